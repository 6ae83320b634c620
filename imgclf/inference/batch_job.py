"""What a command does with a stream of answers: hand them on in groups, count, report."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice

from imgclf.inference.outputs.earlier import Earlier
from imgclf.inference.sources import Source, source_name
from imgclf.records import OnProgress, Prediction, Progress

_GROUP = 32


@dataclass
class Summary:
    """What came of a batch of files.

    Attributes:
        images: how many got an answer or an error in this call.
        unreadable: how many of them have an error.
        unreadable_before: how many errors the output had before this call.
        skipped: how many were answered by an earlier call.
        seconds: how long it took.
        labels: answers per label.
    """

    images: int = 0
    unreadable: int = 0
    unreadable_before: int = 0
    skipped: int = 0
    seconds: float = 0.0
    labels: Counter[str] = field(default_factory=Counter)

    @property
    def rate(self) -> float:
        """Images per second."""
        return self.images / self.seconds if self.seconds else 0.0


def hand_on(
    answers: Iterator[Prediction],
    write: Callable[[Sequence[Prediction]], None],
    summary: Summary,
    total: int | None = None,
    progress: OnProgress = None,
) -> None:
    """Hand a stream of answers on in small groups, counting them.

    Args:
        answers: of :meth:`imgclf.inference.Predictor.predict_stream`.
        write: takes each group.
        summary: is kept up to date, so that it is right even when this ends early.
        total: number of sources where it is known.
        progress: is told after each group.
    """
    start = time.perf_counter()
    while group := list(islice(answers, _GROUP)):
        write(group)
        summary.images += len(group)
        summary.unreadable += sum(answer.error is not None for answer in group)
        summary.labels.update(answer.label for answer in group if answer.label is not None)
        summary.seconds = time.perf_counter() - start
        if progress:
            done = summary.images + summary.skipped
            progress(Progress("Predicting", done, total, f"{summary.rate:.0f} img/s"))


def without_earlier(sources: Iterable[Source], earlier: Earlier, summary: Summary) -> Iterator[Source]:
    """Pass over the sources that an earlier call has answered, counting them."""
    for index, source in enumerate(sources):
        if source_name(source, index) in earlier:
            summary.skipped += 1
        else:
            yield source
