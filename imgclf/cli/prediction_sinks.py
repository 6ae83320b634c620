"""Where ``imgclf predict`` puts its answers: a table on a terminal, JSON lines in a pipe, or a file."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from imgclf.cli import render

if TYPE_CHECKING:
    from imgclf.inference import Layout, Output, Source, Summary
    from imgclf.records import Prediction

TABLE_ROWS = 1000
"""A table is drawn when all its rows are there; more rows than this are for a file, not for a terminal."""


class Sink(Protocol):
    """Takes answers as they come."""

    def fresh(self, sources: "Iterable[Source]", summary: "Summary") -> "Iterable[Source]":
        """Return the sources that still need an answer."""
        ...

    def write(self, predictions: "Sequence[Prediction]") -> None:
        """Take a group of answers."""
        ...

    def close(self, finished: bool) -> None:
        """Show or complete what was taken."""
        ...


@contextmanager
def opened_sink(path: Path | None, layout: "Layout", resume: bool, as_json: bool) -> Iterator[Sink]:
    """Yield the sink for these flags; it is closed as unfinished when something goes wrong.

    Args:
        path: the output file, None for stdout.
        layout: what a row holds.
        resume: go on after what the file has.
        as_json: JSON lines on a terminal too.
    """
    sink: Sink
    if path is not None:
        from imgclf.inference import open_output

        sink = _File(open_output(path, layout, resume=resume))
    elif as_json or not sys.stdout.isatty():
        sink = _Lines(layout)
    else:
        sink = _Table()
    finished = False
    try:
        yield sink
        finished = True
    finally:
        sink.close(finished)


class _File:
    def __init__(self, output: "Output") -> None:
        self._output = output

    def fresh(self, sources: "Iterable[Source]", summary: "Summary") -> "Iterable[Source]":
        from imgclf.inference import without_earlier

        summary.unreadable_before = self._output.earlier.unreadable
        return without_earlier(sources, self._output.earlier, summary)

    def write(self, predictions: "Sequence[Prediction]") -> None:
        self._output.write(predictions)

    def close(self, finished: bool) -> None:
        self._output.close(finished)


class _Lines:
    def __init__(self, layout: "Layout") -> None:
        self._layout = layout

    def fresh(self, sources: "Iterable[Source]", summary: "Summary") -> "Iterable[Source]":
        return sources

    def write(self, predictions: "Sequence[Prediction]") -> None:
        for prediction in predictions:
            render.json_line(self._layout.nested(prediction))
        render.flush()  # Whoever reads the pipe gets each group as it is ready.

    def close(self, finished: bool) -> None:
        pass


class _Table:
    def __init__(self) -> None:
        self._predictions: list[Prediction] = []
        self._more = 0

    def fresh(self, sources: "Iterable[Source]", summary: "Summary") -> "Iterable[Source]":
        return sources

    def write(self, predictions: "Sequence[Prediction]") -> None:
        room = TABLE_ROWS - len(self._predictions)
        self._predictions += predictions[:room]
        self._more += len(predictions[room:])

    def close(self, finished: bool) -> None:
        if not self._predictions:
            return
        with_errors = any(prediction.error for prediction in self._predictions)
        columns = ["file", "label", "confidence", "next", *(["error"] if with_errors else [])]
        render.table(columns, [_row(prediction)[: len(columns)] for prediction in self._predictions])
        if self._more:
            render.message(f"{self._more:,} more are not shown. For all of them: --output predictions.csv")


def _row(prediction: "Prediction") -> list[str | None]:
    """The cells of an answer: the best class, then the ones after it (all of them where it was rejected)."""
    others = [(name, value) for name, value in prediction.top_k if name != prediction.label]
    after = ", ".join(f"{name} {value:.1%}" for name, value in others)
    confidence = None if prediction.confidence is None else f"{prediction.confidence:.1%}"
    return [prediction.file, prediction.label, confidence, after, prediction.error]
