"""How much of a run is done: by epochs, or under a time limit by the clock if that is further."""

import time
from collections.abc import Mapping
from typing import Any

from imgclf.recipes import TrainingConfig
from imgclf.training.loop.durations import parse_duration

# Kept free at the end of a time limit before the first validation has shown what one takes.
_FIRST_RESERVE = 0.03


class Budget:
    """The planned epochs and the time limit of a run.

    Args:
        epochs: planned.
        limit: seconds for the whole run, the last validation included; None has no limit.
    """

    def __init__(self, epochs: int, limit: float | None) -> None:
        self.epochs = epochs
        self.limit = limit
        self.reserve: float | None = None
        self._before, self._started = 0.0, time.perf_counter()

    @property
    def elapsed(self) -> float:
        """Seconds so far, those before a resume included."""
        return self._before + time.perf_counter() - self._started

    def start(self, before: float | None = None) -> None:
        """Start the clock, after ``before`` seconds that count already."""
        self._before = self._before if before is None else before
        self._started = time.perf_counter()

    def restore(self, state: Mapping[str, Any]) -> None:
        """Start the clock where that of a checkpoint stood."""
        self.start(before=state["elapsed"])
        self.reserve = state["validation_seconds"]

    def by_time(self) -> float:
        """The share of the time limit that is used, leaving room for the last validation; 0 without a limit."""
        if self.limit is None:
            return 0.0
        reserve = self.limit * _FIRST_RESERVE if self.reserve is None else self.reserve
        return self.elapsed / max(self.limit - reserve, 1e-6)


def budget_of(training: TrainingConfig) -> Budget:
    """Return the budget of a run that has not begun.

    Raises:
        ConfigError: the time limit cannot be read.
    """
    return Budget(training.epochs, parse_duration(training.max_time) if training.max_time else None)
