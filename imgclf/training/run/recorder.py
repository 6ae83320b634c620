"""Write the run directory while the loop goes on: history, best weights, checkpoint, log."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from torch import nn

from imgclf.records import EpochRecord, ModelHeader, Progress
from imgclf.runs import Run, save_model_file
from imgclf.training.loop.early_stopping import BestEpoch
from imgclf.training.loop.trainer import Trainer
from imgclf.training.reporter import Reporter
from imgclf.training.run.checkpoint import save_checkpoint

_COLUMNS = tuple(EpochRecord.__dataclass_fields__)


class Recorder:
    """Keeps the run directory up to date with a trainer.

    Args:
        run: where to write.
        header: what the model file says, apart from results.
        best: follows the metric that chooses the model.
        stopping: follows the metric that ends the run early.
    """

    def __init__(self, run: Run, header: ModelHeader, best: BestEpoch, stopping: BestEpoch) -> None:
        self.history: list[EpochRecord] = []
        self.best_record: EpochRecord | None = None
        self.stopping = stopping
        self._run, self._header, self._best = run, header, best

    def rehearse(self, model: nn.Module) -> None:
        """Write the model file under another name and take it away again: what would fail later fails before training.

        Raises:
            RunError: it cannot be written.
        """
        trial = self._run.path / ".model.safetensors.trial"
        try:
            save_model_file(trial, model.state_dict(), self._header)
        finally:
            trial.unlink(missing_ok=True)

    def take(self, record: EpochRecord, trainer: Trainer) -> bool:
        """Write a finished epoch; return whether it is the best so far."""
        improved = self.follow(record)
        if improved:
            save_model_file(self._run.model_file, trainer.best_model.state_dict(), self._with_results(record))
        self.save_checkpoint(trainer)
        self._run.write_csv("history.csv", _COLUMNS, (row.to_dict().values() for row in self.history))
        self._run.update_metrics({"epochs": len(self.history), "best": self._best_values()})
        return improved

    def follow(self, record: EpochRecord) -> bool:
        """Take in a finished epoch without writing; return whether it is the best so far."""
        self.history.append(record)
        self.stopping.update(record)
        improved = self._best.update(record)
        self.best_record = record if improved or self.best_record is None else self.best_record
        return improved

    def save_checkpoint(self, trainer: Trainer) -> None:
        """Write everything that a resumed run needs."""
        state = {
            "trainer": trainer.state_dict(),
            "header": json.dumps(self._header.to_dict()),
            "history": [record.to_dict() for record in self.history],
        }
        save_checkpoint(self._run.checkpoint, state)

    def restore(self, history: list[dict[str, Any]]) -> None:
        """Follow the epochs of the checkpoint again."""
        for row in history:
            self.follow(EpochRecord(**row))

    def _best_values(self) -> dict[str, float]:
        return self.best_record.to_dict() if self.best_record else {}

    def _with_results(self, record: EpochRecord) -> ModelHeader:
        return replace(self._header, provenance={**self._header.provenance, "metrics": record.to_dict()})


class LoggingReporter:
    """Passes everything on to another reporter and keeps sentences and epochs in ``log.txt``.

    Args:
        reporter: who listens besides.
        file: appended to; a log that cannot be written does not stop a run.
    """

    def __init__(self, reporter: Reporter, file: Path) -> None:
        self._reporter, self._file = reporter, file

    def message(self, text: str) -> None:
        """Keep and pass on a sentence."""
        self._log(text)
        self._reporter.message(text)

    def warning(self, text: str) -> None:
        """Keep and pass on a warning."""
        self._log(f"Warning: {text}")
        self._reporter.warning(text)

    def progress(self, progress: Progress) -> None:
        """Pass on progress; it is not worth keeping."""
        self._reporter.progress(progress)

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        """Keep and pass on a finished epoch."""
        values = "  ".join(f"{key} {value:.6g}" for key, value in record.to_dict().items())
        self._log(values + ("  best" if improved else ""))
        self._reporter.epoch(record, improved)

    def _log(self, text: str) -> None:
        try:
            with self._file.open("a", encoding="utf-8", errors="backslashreplace") as file:
                file.write(f"{datetime.now():%Y-%m-%d %H:%M:%S}  {text}\n")
        except OSError:
            pass
