"""What kills workers is found out, and does so only a few times."""

from collections.abc import Sequence

import pytest

from imgclf.inference.engines.attempts import KILLS, TRIES, Attempts, answer_chunk
from imgclf.inference.sources import Source
from imgclf.records import Prediction

IMAGES = ["a.png", "b.png", "c.png", "d.png"]


class Killed(BaseException):
    """Stands for the end of a worker."""


class Workers:
    """Workers, each as mortal as one of a cluster, that answer for a chunk until one of them lives."""

    def __init__(self, killers: dict[str, int]) -> None:
        self.killers = killers
        """What kills, and how often."""
        self.attempts = Attempts()
        self.asked: list[list[Source]] = []
        self.killed = 0

    def answer_chunk(self, chunk: int, images: Sequence[Source]) -> list[Prediction]:
        """Answer as a cluster does: a new worker begins anew."""
        while True:
            try:
                return answer_chunk(chunk, images, self._answer, self.attempts.begin, self.attempts.end)
            except Killed:
                self.killed += 1

    def _answer(self, images: Sequence[Source]) -> list[Prediction]:
        self.asked.append(list(images))
        for image in map(str, images):
            if self.killers.get(image, 0) > 0:
                self.killers[image] -= 1
                raise Killed
        return [Prediction(str(image), "circle", 0.5) for image in images]


def test_sound_chunk_is_answered_at_once() -> None:
    """Nothing is read twice where nothing is wrong."""
    workers = Workers({})
    assert [answer.label for answer in workers.answer_chunk(0, IMAGES)] == ["circle"] * 4
    assert workers.asked == [IMAGES]


def test_loss_of_a_worker_is_not_blamed_on_images() -> None:
    """A machine may go away: the chunk is tried again as it is."""
    workers = Workers({"b.png": 1})
    assert [answer.error for answer in workers.answer_chunk(0, IMAGES)] == [None] * 4
    assert workers.asked == [IMAGES, IMAGES]


@pytest.mark.parametrize("killers", [["a.png"], ["b.png", "d.png"], IMAGES])
def test_images_that_kill_get_an_error_and_the_others_their_answer(killers: list[str]) -> None:
    """Tries are few, and the next chunk begins at its best again."""
    workers = Workers(dict.fromkeys(killers, 1000))
    answers = workers.answer_chunk(7, IMAGES)
    assert [answer.file for answer in answers] == IMAGES
    assert [answer.file for answer in answers if answer.error == KILLS] == killers
    assert [answer.file for answer in answers if answer.label] == [
        name for name in IMAGES if name not in killers
    ]
    assert workers.killed == TRIES * (1 + len(killers))
    workers.answer_chunk(8, ["e.png", "f.png"])
    assert workers.asked[-1] == ["e.png", "f.png"]


def test_attempts_forget_what_has_ended() -> None:
    """A chunk takes its images with it, and no others."""
    attempts = Attempts()
    assert [attempts.begin(1), attempts.begin(1), attempts.begin(1, 5), attempts.begin(11)] == [0, 1, 0, 0]
    attempts.end(1)
    assert [attempts.begin(1), attempts.begin(1, 5), attempts.begin(11)] == [0, 0, 1]
