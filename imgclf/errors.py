"""Every error that a person can cause or mend.

    ImgclfError             shown as one line on stderr, exit code 1
    ├── UsageError          flags that contradict each other; exit code 2
    ├── ConfigError         a recipe, config or ``--set`` value that does not fit
    ├── PluginError         a dataset or model plugin that is broken, unknown or shadows another
    ├── DataError           a dataset, folder, manifest or split
    │   ├── ImageError      one image that cannot be read
    │   └── DownloadError   data or weights that could not be fetched
    ├── ModelError          an architecture, its arguments or its weights
    ├── RunError            a run directory, checkpoint or model file
    ├── MissingExtraError   an optional dependency that is not installed
    ├── DivergenceError     the loss became NaN or infinite
    ├── OutOfMemoryError    the device's memory was not enough
    ├── LostProcessError    another process of the same run ended or no longer answers
    └── StoppedError        stopped by a signal after saving; exit code 128 + signal number

A message says what was given, what was expected and what to do next.
Anything else that reaches the user is a defect of ours and shows as a traceback.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import TypeVar

Cause = TypeVar("Cause", bound=BaseException)


class ImgclfError(Exception):
    """Base of every error whose message is meant for the user."""

    exit_code = 1


class UsageError(ImgclfError):
    """Command-line flags that contradict each other or name nothing."""

    exit_code = 2


class ConfigError(ImgclfError):
    """A recipe, config file or ``--set`` value that does not fit."""


class PluginError(ImgclfError):
    """A dataset or model plugin that is broken, unknown or shadows another."""


class DataError(ImgclfError):
    """A dataset, folder, manifest or split that cannot be used."""


class ImageError(DataError):
    """One image that cannot be read.

    Args:
        file: the image's name as the user knows it.
        reason: what is wrong with it, as the rest of a sentence ("is empty (0 bytes)").
        kind: ``"empty"``, ``"unsupported"`` (not a format we read), ``"damaged"``, ``"too_large"``
            (more pixels than the cap), ``"too_slow"`` (would take minutes) or ``"unreadable"`` (the file
            system refused).
    """

    def __init__(self, file: str | Path, reason: str, kind: str = "damaged") -> None:
        super().__init__(f"{file}: {reason}")
        self.file = str(file)
        self.reason = reason
        self.kind = kind

    def __reduce__(self) -> tuple[type["ImageError"], tuple[str, str, str]]:
        """Pickle by what it was made from: it comes back from worker processes."""
        return ImageError, (self.file, self.reason, self.kind)


class DownloadError(DataError):
    """Data or weights that could not be fetched."""


class ModelError(ImgclfError):
    """An architecture, its arguments or its weights."""


class RunError(ImgclfError):
    """A run directory, checkpoint or model file that cannot be used."""


class MissingExtraError(ImgclfError):
    """An optional dependency that is not installed.

    Args:
        what: the feature that needs it, as the subject of the sentence.
        extra: the name of the extra that installs it.
    """

    def __init__(self, what: str, extra: str) -> None:
        super().__init__(f"{what} needs the extra '{extra}'. Install it with: pip install 'imgclf[{extra}]'")
        self.what = what
        self.extra = extra

    def __reduce__(self) -> tuple[type["MissingExtraError"], tuple[str, str]]:
        """Pickle by what it was made from: it comes back from the workers of a cluster."""
        return MissingExtraError, (self.what, self.extra)


class DivergenceError(ImgclfError):
    """The loss became NaN or infinite."""


class OutOfMemoryError(ImgclfError):
    """The device's memory was not enough."""


class LostProcessError(ImgclfError):
    """Another process of the same run ended or no longer answers."""


class StoppedError(ImgclfError):
    """A signal stopped the work after it was saved; the exit code is 128 plus the signal's number."""

    def __init__(self, message: str, signal_number: int) -> None:
        super().__init__(message)
        self.signal_number = signal_number
        self.exit_code = 128 + signal_number

    def __reduce__(self) -> tuple[type["StoppedError"], tuple[str, int]]:
        """Pickle by what it was made from: it comes back from worker processes."""
        return StoppedError, (str(self), self.signal_number)


def beneath(error: BaseException | None, kind: type[Cause]) -> Cause | None:
    """Return the error of this kind that led to another: a library may put words of its own over it.

    >>> beneath(RuntimeError("unexpected pos"), OSError) is None
    True
    """
    while error is not None and not isinstance(error, kind):
        error = error.__cause__ or error.__context__
    return error


def suggest(given: str, known: Iterable[str]) -> str:
    """Return " Did you mean 'x'?" for the nearest known name, or an empty string.

    >>> suggest("cifra10", ["cifar10", "mnist"])
    " Did you mean 'cifar10'?"
    >>> suggest("zebra", ["cifar10", "mnist"])
    ''
    """
    nearest = difflib.get_close_matches(given, list(known), n=1, cutoff=0.6)
    return f" Did you mean '{nearest[0]}'?" if nearest else ""
