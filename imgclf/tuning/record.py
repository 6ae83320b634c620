"""What is known of one trial."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from imgclf.task import sign_of

TrialState = Literal["finished", "pruned", "failed"]


@dataclass(frozen=True)
class TrialRecord:
    """One trial: a training run with settings of its own.

    Attributes:
        number: from 0; trial 0 is the recipe as it is.
        state: ``finished``, ``pruned`` (ended early because it was worse than others) or ``failed``.
        value: the best epoch's monitored metric; None where no epoch ended.
        epochs: that it trained.
        seconds: that it took, reading the data included.
        params: dotted key -> value, as the config holds it; empty for trial 0.
        reason: why it failed, else an empty string.
    """

    number: int
    state: TrialState
    value: float | None
    epochs: int
    seconds: float
    params: Mapping[str, Any] = field(default_factory=dict)
    reason: str = ""


def best_of(trials: Iterable[TrialRecord], metric: str) -> TrialRecord | None:
    """Return the finished trial with the best value, the earliest among equals, or None.

    Args:
        trials: in order.
        metric: the monitored one; a name that ends in ``loss`` is better when smaller.
    """
    finished = [trial for trial in trials if trial.state == "finished" and trial.value is not None]
    return max(finished, key=lambda trial: sign_of(metric) * (trial.value or 0.0), default=None)
