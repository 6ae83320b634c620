"""CSV and JSON Lines: a row a line, appended; what a crash leaves of the last line is cut off on resuming."""

import csv
import io
import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol, final

from imgclf.data import display_name
from imgclf.errors import RunError, UsageError
from imgclf.inference.outputs.earlier import Earlier
from imgclf.inference.outputs.layout import Layout
from imgclf.records import Prediction
from imgclf.tables import csv_text
from imgclf.words import first_line

_TAIL = 1 << 16


class LineFormat(Protocol):
    """How rows become lines and back."""

    def heading(self, layout: Layout) -> str:
        """Return what stands above the rows, with its line end."""
        ...

    def lines(self, layout: Layout, predictions: Iterable[Prediction]) -> str:
        """Return the rows, each with its line end and none within."""
        ...

    def rows(self, layout: Layout, path: Path) -> Iterator[dict[str, Any]]:
        """Read rows back; UsageError where they are not of this layout."""
        ...


@final
class Csv:
    """Comma-separated values with a heading, UTF-8."""

    def heading(self, layout: Layout) -> str:
        """Return the columns' names."""
        return csv_text([[_on_one_line(name) for name in layout.columns]])

    def lines(self, layout: Layout, predictions: Iterable[Prediction]) -> str:
        """Return the rows; a line break in a class name is escaped, so that a row is always one line."""
        return csv_text(map(_on_one_line, layout.cells(prediction).values()) for prediction in predictions)

    def rows(self, layout: Layout, path: Path) -> Iterator[dict[str, Any]]:
        """Read rows back."""
        with path.open(newline="", encoding="utf-8") as file:
            reader = csv.DictReader(file)
            if reader.fieldnames is not None and list(reader.fieldnames) != list(layout.columns):
                raise UsageError(
                    f"{path}: has other columns ({len(reader.fieldnames)}) than this call would write "
                    f"({len(layout.columns)}). Use the same --top-k and --probabilities, or --overwrite."
                )
            yield from reader


@final
class JsonLines:
    """One JSON object a line, UTF-8: https://jsonlines.org."""

    def heading(self, layout: Layout) -> str:
        """Return nothing: each row names its values."""
        return ""

    def lines(self, layout: Layout, predictions: Iterable[Prediction]) -> str:
        """Return the rows."""
        objects = (layout.nested(prediction) for prediction in predictions)
        return "".join(f"{json.dumps(value, ensure_ascii=False)}\n" for value in objects)

    def rows(self, layout: Layout, path: Path) -> Iterator[dict[str, Any]]:
        """Read rows back."""
        with path.open(encoding="utf-8") as file:
            for number, line in enumerate(file, start=1):
                try:
                    row = json.loads(line)
                    row["file"]
                except (ValueError, KeyError, TypeError):
                    raise UsageError(
                        f"{path}: line {number} is no prediction of ours. Give another --output, or start it anew "
                        f"with --overwrite."
                    ) from None
                yield row


@final
class LineOutput:
    """A file of predictions that grows line by line.

    One that is there already and is not resumed stays whole until it is replaced: the new rows stand in
    ``<file>.part`` beside it meanwhile, which ``resume`` goes on with where a call was killed.

    Args:
        path: the file.
        layout: what a row holds.
        line_format: CSV or JSON Lines.
        resume: keep what is there and go on after it.

    Raises:
        UsageError: what is there does not fit.
        RunError: it cannot be written.
    """

    def __init__(self, path: Path, layout: Layout, line_format: LineFormat, resume: bool) -> None:
        self._path = path
        self._layout = layout
        self._format = line_format
        self.earlier = Earlier(path, layout.model)
        part = path.with_name(f"{path.name}.part")
        # A link or a device is written to as it is: another file in its place would be another thing.
        replaceable = path.is_file() and not path.is_symlink()
        self._place = part if (part.exists() if resume else replaceable) else path
        self._replaces = self._place != path and not resume
        self._has_rows = resume
        with _writing(path, self._advice):
            path.parent.mkdir(parents=True, exist_ok=True)
            if resume and self._place.exists():
                _cut_after_last_line(self._place)
                for row in line_format.rows(layout, self._place):
                    self.earlier.add(row)
            # Unbuffered: what a full disk refused must not be written later, after the error was told.
            self._file = self._place.open("ab" if resume else "wb", buffering=0)
        if self._file.tell() == 0:
            self._append(line_format.heading(layout))

    def write(self, predictions: Sequence[Prediction]) -> None:
        """Append rows; when it returns they are with the operating system."""
        self._append(self._format.lines(self._layout, predictions))
        self._has_rows = True

    def close(self, finished: bool) -> None:
        """Close the file; an unfinished one is just shorter. One that a full disk cut short replaces no other."""
        if self._file.closed:
            return
        self._file.close()
        if finished or self._has_rows or not self._replaces:
            self._place.replace(self._path)
        else:
            self._place.unlink()

    def _append(self, text: str) -> None:
        left = memoryview(text.encode("utf-8", "backslashreplace"))
        try:
            with _writing(self._path, self._advice):
                while left:
                    left = left[self._file.write(left) :]
        except RunError:
            self._file.close()
            if self._replaces:
                self._place.unlink(missing_ok=True)
            raise

    @property
    def _advice(self) -> str:
        """What is left after an error, and what to do."""
        if self._replaces:
            return "What was there before is intact. Free some space or choose another place."
        return "Free some space or choose another place, then go on with --resume."


def _cut_after_last_line(path: Path) -> None:
    """Drop the part of a line that a crash or a full disk left at the end."""
    with path.open("rb+") as file:
        end = file.seek(0, io.SEEK_END)
        while end > 0:
            start = max(0, end - _TAIL)
            file.seek(start)
            last = file.read(end - start).rfind(b"\n")
            if last >= 0:
                file.truncate(start + last + 1)
                return
            end = start
        file.truncate(0)


@contextmanager
def _writing(path: Path, advice: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise RunError(f"{path}: could not be written ({first_line(error)}). {advice}") from error


def _on_one_line(value: Any) -> Any:
    return display_name(value) if isinstance(value, str) and not value.isprintable() else value
