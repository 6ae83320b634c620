"""How to evaluate, and what an evaluation came to."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from imgclf.evaluation.answering import Tta
from imgclf.evaluation.copies import Copies
from imgclf.evaluation.drawing import Rejection
from imgclf.evaluation.scores import Scores
from imgclf.evaluation.suspects import Suspects
from imgclf.evaluation.worst import Overlay, WorstError
from imgclf.inference import Note, Runtime
from imgclf.runs import Run


@dataclass(frozen=True)
class Options:
    """How to evaluate.

    Attributes:
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runtime: what computes on a CPU: ``auto`` is the faster of ONNX Runtime and PyTorch.
        tta: test-time augmentation.
        target_risk: the wanted error rate among the answers; sets the model file's threshold.
        calibrate: fit the temperature on `val` and store it in the model file.
        near_duplicates: look for copies of training images; None does so where it takes less than a minute.
        misclassified: how many of the worst errors to show.
        file_format: of the predictions; ``auto`` is CSV up to two million probabilities.
        overlay: draws what the model looked at, for the worst errors.
    """

    device: str = "auto"
    runtime: Runtime = "auto"
    tta: Tta = "none"
    target_risk: float | None = None
    calibrate: bool = True
    near_duplicates: bool | None = None
    misclassified: int = 24
    file_format: Literal["auto", "csv", "parquet"] = "auto"
    overlay: Overlay | None = None


@dataclass(frozen=True, eq=False)
class Measured:
    """What the saved answers say.

    Attributes:
        scores: every number.
        copies: near-duplicates of training images.
        rejection: the reject option.
        errors: the worst errors.
        suspects: likely label errors.
    """

    scores: Scores
    copies: Copies
    rejection: Rejection
    errors: tuple[WorstError, ...]
    suspects: Suspects


@dataclass(frozen=True, eq=False)
class EvaluationResult:
    """What an evaluation came to.

    Attributes:
        runs: the run, or those of an ensemble.
        dataset: its name.
        split: what was evaluated.
        measured: every number.
        notes: sentences that a person should read.
        files: what was written: ``predictions``, ``metrics``, ``review``, ``figures`` (a folder), ``report`` (HTML) and
            ``text`` (the per-class report as scikit-learn prints it).
        seconds: that reading and computing took.
        values: what ``metrics.json`` says of it.
    """

    runs: tuple[Run, ...]
    dataset: str
    split: str
    measured: Measured
    notes: tuple[Note, ...]
    files: Mapping[str, Path]
    seconds: float
    values: Mapping[str, Any]

    @property
    def scores(self) -> Scores:
        """Every number."""
        return self.measured.scores
