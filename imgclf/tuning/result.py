"""What a search came to."""

from dataclasses import dataclass
from pathlib import Path

from imgclf.runs import Run
from imgclf.task import sign_of
from imgclf.tuning.record import TrialRecord


@dataclass(frozen=True)
class SearchResult:
    """What a search came to.

    Attributes:
        folder: where everything is.
        metric: the monitored one, always of ``val``.
        trials: all of them.
        best: the best finished one.
        run: the best one's run, with its model.
        importances: key -> share of the differences that it explains, the largest first; empty with few trials.
        note: how sure a difference between two trials is, or an empty string.
        files: what was written: ``recipe``, ``trials``, ``history``, ``parameters``, ``report``.
    """

    folder: Path
    metric: str
    trials: tuple[TrialRecord, ...]
    best: TrialRecord
    run: Run
    importances: dict[str, float]
    note: str
    files: dict[str, Path]

    @property
    def gain(self) -> float | None:
        """How much better the best trial is than the recipe as it is; None where that one did not finish."""
        first = self.trials[0]
        if first.state != "finished" or first.value is None or self.best.value is None:
            return None
        return sign_of(self.metric) * (self.best.value - first.value)
