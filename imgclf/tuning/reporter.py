"""What a search tells while it runs, and how it listens to the training run of a trial."""

import time
from collections.abc import Callable
from typing import Protocol

from imgclf.records import EpochRecord, Progress
from imgclf.training import Reporter, SilentReporter
from imgclf.tuning.record import TrialRecord


class SearchReporter(Reporter, Protocol):
    """Someone who listens to a search; of its runs' epochs it hears as details."""

    def detail(self, text: str) -> None:
        """Take a sentence that matters only to someone who looks closely."""

    def trial(self, trial: TrialRecord, improved: bool) -> None:
        """Take a trial that is over."""


class SilentSearchReporter(SilentReporter):
    """Listens and says nothing: for use from Python."""

    def detail(self, text: str) -> None:
        """Do nothing."""

    def trial(self, trial: TrialRecord, improved: bool) -> None:
        """Do nothing."""


class PrunedError(Exception):
    """The trial is worse than others were at this point."""


class TimeUpError(Exception):
    """The search's time is used up in the middle of a trial."""


class TrialReporter:
    """Listens to one trial's training run, and ends it from there by raising.

    Args:
        reporter: who listens to the search.
        on_epoch: called after each epoch; may raise to end the trial.
        deadline: ``time.monotonic()`` at which the trial has to end; None never.
        quiet: pass sentences on as details, because an earlier trial has said them.
    """

    def __init__(
        self,
        reporter: SearchReporter,
        on_epoch: Callable[[EpochRecord], None],
        deadline: float | None,
        *,
        quiet: bool,
    ) -> None:
        self._reporter, self._on_epoch, self._deadline, self._quiet = reporter, on_epoch, deadline, quiet

    def message(self, text: str) -> None:
        """Pass a sentence on."""
        (self._reporter.detail if self._quiet else self._reporter.message)(text)

    def warning(self, text: str) -> None:
        """Pass a warning on."""
        (self._reporter.detail if self._quiet else self._reporter.warning)(text)

    def progress(self, progress: Progress) -> None:
        """Pass progress on, but not the run's: the search has a bar of its own.

        Raises:
            TimeUpError: the deadline is over.
        """
        if progress.phase != "Run":
            self._reporter.progress(progress)
        else:
            # The loop reports the run from its own thread, between two steps; other phases may come from others.
            self._end_when_time_is_up()

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        """Tell of an epoch and let the pruner judge it.

        Raises:
            TimeUpError: the deadline is over; epochs may be too short for any report of progress inside.
        """
        self._reporter.detail(
            f"  epoch {record.epoch:>3}  train loss {record.train_loss:.3f}  val loss {record.val_loss:.3f} "
            f"acc {record.val_accuracy:6.1%}  {record.seconds:6.1f} s{'  best' if improved else ''}"
        )
        self._on_epoch(record)
        self._end_when_time_is_up()

    def _end_when_time_is_up(self) -> None:
        if self._deadline is not None and time.monotonic() > self._deadline:
            raise TimeUpError
