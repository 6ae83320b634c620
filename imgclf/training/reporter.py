"""What a training run tells while it runs; the command line draws it, a program may listen."""

from typing import Protocol

from imgclf.records import EpochRecord, Progress


class Reporter(Protocol):
    """Someone who listens to a training run."""

    def message(self, text: str) -> None:
        """Take a sentence that the user should read."""

    def warning(self, text: str) -> None:
        """Take a sentence that the user must read: who asks for quiet asks for no progress, not for no warnings."""

    def progress(self, progress: Progress) -> None:
        """Take how far the present phase is."""

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        """Take a finished epoch."""


class SilentReporter:
    """Listens and says nothing: for use from Python."""

    def message(self, text: str) -> None:
        """Do nothing."""

    def warning(self, text: str) -> None:
        """Do nothing."""

    def progress(self, progress: Progress) -> None:
        """Do nothing."""

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        """Do nothing."""
