"""Open the output that a file's extension asks for; no file is overwritten unasked."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

from imgclf.errors import UsageError
from imgclf.inference.outputs.earlier import Earlier
from imgclf.inference.outputs.layout import Layout
from imgclf.inference.outputs.lines import Csv, JsonLines, LineFormat, LineOutput
from imgclf.inference.outputs.parts import parts_folder
from imgclf.records import Prediction

_LINE_FORMATS: dict[str, Callable[[], LineFormat]] = {".csv": Csv, ".jsonl": JsonLines, ".ndjson": JsonLines}
_KNOWN = ".csv, .jsonl or .parquet"


class Output(Protocol):
    """A file of predictions that is being written.

    Attributes:
        earlier: what was in it before.
    """

    earlier: Earlier

    def write(self, predictions: Sequence[Prediction]) -> None:
        """Add rows."""
        ...

    def close(self, finished: bool) -> None:
        """Complete the file, or, unfinished, leave what is there so that a later call can go on."""
        ...


def check_output(path: Path, *, resume: bool = False, overwrite: bool = False) -> None:
    """Check that predictions may be written to a file, before a model is loaded.

    Args:
        path: its extension chooses the format: ``.csv``, ``.jsonl`` or ``.parquet``.
        resume: go on after the rows that are there.
        overwrite: start anew if the file exists.

    Raises:
        UsageError: unknown extension, a folder, or the file exists and nothing was said of it.
    """
    if path.suffix.lower() not in (*_LINE_FORMATS, ".parquet"):
        raise UsageError(f"The output '{path}' must end in {_KNOWN}; the ending chooses the format.")
    if resume and overwrite:
        raise UsageError("--resume keeps what the output has and --overwrite drops it: give one of them.")
    if path.is_dir():
        raise UsageError(f"The output '{path}' is a folder; name a file that ends in {_KNOWN}.")
    if (path.exists() or parts_folder(path).exists()) and not (resume or overwrite):
        raise UsageError(
            f"The output '{path}' exists. Go on after what it has with --resume, or start anew with --overwrite."
        )


def open_output(path: Path, layout: Layout, *, resume: bool = False) -> Output:
    """Open a file for predictions that :func:`check_output` has allowed.

    Args:
        path: its extension chooses the format.
        layout: what a row holds.
        resume: go on after the rows that are there; without it they are dropped.

    Raises:
        UsageError: the rows that are there do not fit.
        RunError: it cannot be written.
    """
    ending = path.suffix.lower()
    if ending == ".parquet":
        from imgclf.inference.outputs.parquet import ParquetOutput  # noqa: PLC0415 - pyarrow takes a while

        return ParquetOutput(path, layout, resume)
    return LineOutput(path, layout, _LINE_FORMATS[ending](), resume)
