"""What was begun and came to no end: known outside the workers, so that nothing kills them over and over."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import final

from imgclf.inference.sources import Source, source_name
from imgclf.records import Prediction

TRIES = 2
"""How often work may be begun in vain: a machine that goes away once is no fault of an image."""

KILLS = f"killed {TRIES} workers that read it alone (a crash of the decoder, or not enough memory)"
"""What an image has done that gets no more tries."""


@final
class Attempts:
    """Work that was begun and has not ended. It lives in a process of its own, which outlives the workers.

    A piece of work is a chunk, ``(5,)``, or an image in it, ``(5, 31)``.
    """

    def __init__(self) -> None:
        self._begun: Counter[tuple[int, ...]] = Counter()

    def begin(self, *work: int) -> int:
        """Note a beginning; return how many before it came to no end."""
        self._begun[work] += 1
        return self._begun[work] - 1

    def end(self, *work: int) -> None:
        """Note an end, of a chunk with all that is in it."""
        for begun in [begun for begun in self._begun if begun[: len(work)] == work]:
            del self._begun[begun]


def answer_chunk(
    chunk: int,
    sources: Sequence[Source],
    answer: Callable[[Sequence[Source]], list[Prediction]],
    begin: Callable[..., int],
    end: Callable[..., None],
) -> list[Prediction]:
    """Answer for all images of a chunk at once or, where that has killed workers, for one after another.

    Args:
        chunk: its number.
        sources: its images.
        answer: answers for some of them; it may kill the process, and then all this begins anew in another.
        begin: of :class:`Attempts`.
        end: of the same.

    Returns:
        A prediction for each; an image that still kills workers when it is alone has an error.
    """
    if begin(chunk) < TRIES:
        answers = answer(sources)
    else:
        answers = []
        for number, source in enumerate(sources):
            if begin(chunk, number) < TRIES:
                answers += answer([source])
                end(chunk, number)
            else:
                answers.append(Prediction(file=source_name(source, number), error=KILLS))
    end(chunk)
    return answers
