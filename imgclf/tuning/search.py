"""The search itself: one trial after the other, until there are enough or the time is used up."""

import gc
import time
from pathlib import Path
from typing import Any

from imgclf.recipes import Config, apply_overrides, load_config_file
from imgclf.records import Progress
from imgclf.training import TrainResult, train
from imgclf.tuning.attempt import Attempt
from imgclf.tuning.folder import SearchFolder
from imgclf.tuning.record import TrialRecord, best_of
from imgclf.tuning.reporter import SearchReporter, TimeUpError, TrialReporter
from imgclf.tuning.settings import SearchSettings
from imgclf.tuning.study import Study
from imgclf.tuning.writing import write_recipe, write_trials


class Search:
    """A search that can run.

    Args:
        folder: of the search.
        settings: of the search.
        study: of the search.
        data_dir: where registered datasets live.
        reporter: told of trials and progress.
        seconds: for this call; None has no limit.
        keep_models: whether every trial keeps its model and checkpoint, or only the best.
    """

    def __init__(
        self,
        folder: SearchFolder,
        settings: SearchSettings,
        study: Study,
        *,
        data_dir: Path | None,
        reporter: SearchReporter,
        seconds: float | None,
        keep_models: bool,
    ) -> None:
        self._folder, self._settings, self._study = folder, settings, study
        self._metric = settings.config.training.monitor
        self._data_dir, self._reporter, self._keep_models = data_dir, reporter, keep_models
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._first = True

    def run(self) -> None:
        """Make the trials that are left.

        Raises:
            StoppedError, KeyboardInterrupt: somebody asked to stop; the trials before this one are kept.
            ImgclfError: nothing can be trained like this.
        """
        total = self._settings.trials
        while (number := len(self._study.records())) < total and self._time_for_another():
            try:
                self._try(number)
            except TimeUpError:
                self._reporter.message(f"The time is up: trial {number} was cut short and does not count.")
                return
            finally:
                self._folder.clear_unfinished()
                # A trainer and its parts know each other, so only the collector frees the device's memory.
                gc.collect()
            self._keep()
            self._reporter.progress(Progress("Trials", number + 1, total))

    def _time_for_another(self) -> bool:
        """Whether the fastest trial so far would fit into the time that is left."""
        fastest = min((record.seconds for record in self._study.records()), default=0.0)
        if self._deadline is None or time.monotonic() + fastest < self._deadline:
            return True
        self._reporter.message("The time is up: it is too short for another trial.")
        return False

    def _try(self, number: int) -> None:
        self._folder.clear_unfinished()
        trial = self._study.ask(number)
        params = self._settings.space.sample(trial) if number else {}
        attempt = Attempt(self._study, trial, number, params, self._metric)
        reporter = TrialReporter(self._reporter, attempt.on_epoch, self._deadline, quiet=not self._first)
        record = attempt.make(lambda: self._train(params, reporter))
        self._first = False
        self._settle(record)
        self._study.tell(trial, record)

    def _train(self, params: dict[str, Any], reporter: TrialReporter) -> TrainResult:
        return train(
            self._config(params), out=self._folder.unfinished, data_dir=self._data_dir, reporter=reporter
        )

    def _config(self, params: dict[str, Any]) -> Config:
        return apply_overrides(self._settings.config, {**params, "hardware.precision": self._study.precision})

    def _settle(self, record: TrialRecord) -> None:
        """Move the trial's run to its place."""
        run = self._folder.settle(record.number)
        if run is None:
            return
        if record.state != "finished":
            run.update_metrics({"status": record.state})
        if self._study.precision is None:
            # Measured anew it might differ from trial to trial, and they would no longer be comparable.
            self._study.precision = load_config_file(run.path).hardware.precision

    def _keep(self) -> None:
        """Bring the files up to date after a trial, so that even a power cut leaves them whole."""
        records = self._study.records()
        best = best_of(records, self._metric)
        if not self._keep_models:
            for record in records:
                if record != best:
                    self._folder.slim(record.number)
        write_trials(self._folder, self._settings, records)
        if best is not None:
            write_recipe(self._folder, self._settings, best, len(records))
        self._reporter.trial(records[-1], improved=records[-1] == best)
