"""The only place that prints: data to stdout, everything said to a person to stderr.

Colour is Rich's decision (a terminal, no ``NO_COLOR``); a pipe gets plain text that other programs can cut up.
"""

import os
import sys
import traceback
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import TextIOWrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgclf.cli.progress import PlainLines, live_bars
from imgclf.errors import RunError
from imgclf.plain import json_text
from imgclf.records import Progress
from imgclf.words import first_line

if TYPE_CHECKING:
    from rich.console import Console


class ReaderLeftError(Exception):
    """Whoever read stdout went away (``imgclf ... | head``); no ``OSError``, which Typer would catch."""


@dataclass
class _State:
    quiet: bool = False
    verbose: bool = False
    live: "Console | None" = None  # while bars are drawn, messages go above them


_state = _State()


def start() -> None:
    """Forget the flags of an earlier call and make both streams survive any file name."""
    _state.quiet, _state.verbose, _state.live = False, False, None
    for stream in (sys.stdout, sys.stderr):
        if isinstance(
            stream, TextIOWrapper
        ):  # A name that its encoding lacks is escaped and ends no program.
            stream.reconfigure(errors="backslashreplace")


def set_quiet(value: bool) -> bool:
    """Show only data, warnings and errors from now on, if ``value``."""
    _state.quiet = _state.quiet or value
    return value


def set_verbose(value: bool) -> bool:
    """Show details too from now on, if ``value``."""
    _state.verbose = _state.verbose or value
    return value


def message(text: str) -> None:
    """Tell the person something; silent with ``--quiet``."""
    if not _state.quiet:
        _say(text)


def detail(text: str) -> None:
    """Tell the person something that only ``--verbose`` shows."""
    if _state.verbose:
        _say(text)


def warning(text: str) -> None:
    """Warn, even with ``--quiet``."""
    _say(text, label="Warning: ", style="yellow")


def error(text: str) -> None:
    """Say what went wrong."""
    _say(text, label="Error: ", style="bold red")


def failure(problem: BaseException) -> None:
    """Show an error that the user can mend; ``--verbose`` adds where it came from."""
    if _state.verbose:
        _say("".join(traceback.format_exception(problem)).rstrip())
    error(str(problem))


def defect(problem: BaseException) -> None:
    """Show the traceback of an error that is ours, and where to take it."""
    _say("".join(traceback.format_exception(problem)).rstrip())
    error("This is a defect of imgclf. Report it with the lines above and the output of: imgclf doctor")


def files(paths: Iterable[Path]) -> None:
    """List the files that were written."""
    for path in paths:
        message(f"Wrote {path}")


def next_command(text: str) -> None:
    """Name the command to try next."""
    message(f"Next: {text}")


def data(text: str) -> None:
    """Write a result to stdout as it is.

    Raises:
        ReaderLeftError: nobody reads it any more.
        RunError: the disk that it goes to is full.
    """
    with _to_stdout():
        print(text, file=sys.stdout, flush=sys.stdout.isatty())  # noqa: T201


def json_data(value: Any) -> None:
    """Write a result to stdout as indented JSON; records become objects, NaN becomes null."""
    data(json_text(value))


def json_line(value: Any) -> None:
    """Write a result to stdout as one line of JSON (JSON Lines)."""
    data(json_text(value, indent=None))


def table(columns: Sequence[str], rows: Iterable[Sequence[Any]], title: str | None = None) -> None:
    """Write a table to stdout: drawn on a terminal, aligned plain text in a pipe.

    Args:
        columns: the headings.
        rows: as many cells as columns each; None is an empty cell. A column of numbers is set to the right.
        title: stands above the table on a terminal; a pipe gets headings and rows only.
    """
    cells = [["" if cell is None else str(cell) for cell in row] for row in rows]
    right = [_is_numeric(column) for column in zip(*cells, strict=True)] or [False] * len(columns)
    if sys.stdout.isatty():
        _draw_table(columns, cells, right, title)
    else:
        for line in _align([list(columns), *cells], right):
            data(line)


@contextmanager
def progress() -> Iterator[Callable[[Progress], None]]:
    """Yield a function that shows :class:`Progress` records; nothing with ``--quiet``.

    >>> with progress() as show:
    ...     show(Progress("Counting", done=1, total=1))
    """
    if _state.quiet:
        yield lambda _: None
    elif not sys.stderr.isatty():
        yield PlainLines(_say)
    else:
        console = _stderr_console()
        with live_bars(console) as show:
            _state.live = console
            try:
                yield show
            finally:
                _state.live = None


def flush() -> None:
    """Push stdout out while it can still be told that nobody reads it.

    Raises:
        ReaderLeftError: nobody reads it any more.
        RunError: the disk that it goes to is full.
    """
    with _to_stdout():
        sys.stdout.flush()


def no_room(place: str, error: OSError) -> RunError:
    """Return the error for a place that takes nothing more."""
    return RunError(
        f"{place}: could not be written ({first_line(error)}). Free some space or choose another place."
    )


@contextmanager
def _to_stdout() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise ReaderLeftError from None
    except OSError as error:
        close_pipe()
        raise no_room("stdout", error) from None


def close_pipe() -> None:
    """Send what is left for a stdout that takes nothing to nowhere, so that Python's exit stays silent.

    See https://docs.python.org/3/library/signal.html#note-on-sigpipe.
    """
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)


def _say(text: str, label: str = "", style: str = "") -> None:
    """Write to stderr, above live bars if there are any. ``label`` is coloured on a terminal."""
    if sys.stderr.isatty():
        from rich.text import Text

        console = _state.live or _stderr_console()
        console.print(Text.assemble((label, style), text), soft_wrap=True)
    else:
        print(f"{label}{text}", file=sys.stderr)  # noqa: T201


def _stderr_console() -> "Console":
    from rich.console import Console

    return Console(stderr=True, highlight=False)


def _draw_table(columns: Sequence[str], cells: list[list[str]], right: list[bool], title: str | None) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    drawn = Table(title=title, title_style="bold", title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, to_right in zip(columns, right, strict=True):
        drawn.add_column(name, justify="right" if to_right else "left", overflow="fold")
    for row in cells:
        drawn.add_row(*(Text(cell) for cell in row))  # Text: a class called "[red]" is no markup
    with _to_stdout():
        Console(highlight=False).print(drawn)


def _align(lines: list[list[str]], right: list[bool]) -> Iterator[str]:
    widths = [max(len(cell) for cell in column) for column in zip(*lines, strict=True)]
    for line in lines:
        padded = (
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(line, widths, right, strict=True)
        )
        yield "  ".join(padded).rstrip()


def _is_numeric(column: Iterable[str]) -> bool:
    filled = [cell for cell in column if cell]
    return bool(filled) and all(cell[0] in "-+0123456789" and cell[-1] in "0123456789%" for cell in filled)
