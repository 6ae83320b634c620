"""Draw progress records: live bars on a terminal, a plain line every few seconds elsewhere."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

from imgclf.records import Progress

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import TaskID

LINE_INTERVAL = 15.0  # seconds between two plain lines of one phase

Show = Callable[[Progress], None]


class PlainLines:
    """Progress for a log file: a phase is silent for its first seconds, then reports every few.

    Args:
        write: receives each line, without a line end.
        clock: seconds, rising; replaced in tests.
    """

    def __init__(self, write: Callable[[str], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._write: Final = write
        self._clock: Final = clock
        self._last: dict[str, float] = {}
        self._spoken: set[str] = set()

    def __call__(self, progress: Progress) -> None:
        """Write a line if one is due; a phase that ends writes its last one if it wrote any."""
        now = self._clock()
        last = self._last.setdefault(progress.phase, now)
        if _is_over(progress):
            del self._last[progress.phase]
            if progress.phase in self._spoken:
                self._spoken.remove(progress.phase)
                self._write(_line(progress))
        elif now - last >= LINE_INTERVAL:
            self._last[progress.phase] = now
            self._spoken.add(progress.phase)
            self._write(_line(progress))


@contextmanager
def live_bars(console: "Console") -> Iterator[Show]:
    """Yield a function that draws one bar a phase; a bar goes away when its phase is over."""
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(bar_width=24),
        TaskProgressColumn(show_speed=False),
        TimeRemainingColumn(compact=True),
        TextColumn("{task.fields[detail]}", style="dim", markup=False),
    )
    tasks: dict[str, TaskID] = {}
    with Bars(*columns, console=console, transient=True) as bars:

        def show(progress: Progress) -> None:
            if progress.phase not in tasks:
                tasks[progress.phase] = bars.add_task(progress.phase, total=progress.total, detail="")
            task = tasks[progress.phase]
            bars.update(task, completed=progress.done, total=progress.total, detail=progress.detail)
            if _is_over(progress):
                bars.remove_task(tasks.pop(progress.phase))

        yield show


def _is_over(progress: Progress) -> bool:
    return progress.total is not None and progress.done >= progress.total


def _line(progress: Progress) -> str:
    share = f"{progress.done}" if not progress.total else f"{100 * progress.done // progress.total} %"
    return f"{progress.phase}: {share}" + (f"  {progress.detail}" if progress.detail else "")
