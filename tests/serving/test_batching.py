"""The line and its workers."""

import asyncio
from collections.abc import Awaitable, Callable

import numpy as np
import pytest

from imgclf.inference import Predictor
from imgclf.runs import Run
from imgclf.serving.http.problems import RefusedError
from imgclf.serving.model.batching import Batcher
from imgclf.serving.model.loaded import LoadedModel

WHITE = np.full((32, 32, 3), 255, np.uint8)


class PoisonedBackend:
    """The real backend, except that a white image fails, and everything with it."""

    name, device = "torch", "cpu"

    def __init__(self, real: object) -> None:
        self._real = real
        self.sizes: list[int] = []

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Fail for white."""
        self.sizes.append(len(batch))
        if (batch == 255).all(axis=(1, 2, 3)).any():
            raise ZeroDivisionError("white")
        return self._real.logits(batch)  # type: ignore[attr-defined, no-any-return]

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Pass on."""
        return self._real.embed(batch)  # type: ignore[attr-defined, no-any-return]

    def limit_threads(self, count: int | None) -> None:
        """Pass on."""
        self._real.limit_threads(count)  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def model(shapes_run: Run) -> LoadedModel:
    """The real model on a backend that can be poisoned."""
    real = Predictor.open(shapes_run.path, device="cpu")
    return LoadedModel(
        Predictor(real.file, real.header, PoisonedBackend(real.backend)), "fingerprint", batch_cap=4
    )


def _with_batcher(
    model: LoadedModel, threads: int, use: Callable[[Batcher], Awaitable[None]], most_images: int = 100
) -> None:
    async def main() -> None:
        batcher = Batcher(lambda: model, threads, most_images, 1_000_000)
        await use(batcher)
        await batcher.close()

    asyncio.run(main())


def test_a_failed_batch_is_tried_again_one_by_one(model: LoadedModel) -> None:
    """Of four images that are computed at once only the one to blame has the error."""

    async def use(batcher: Batcher) -> None:
        images = [np.zeros_like(WHITE), WHITE, np.zeros_like(WHITE), np.zeros_like(WHITE)]
        futures = [batcher.submit(image, "probabilities", 30) for image in images]
        results = await asyncio.gather(*futures, return_exceptions=True)
        assert [isinstance(result, ZeroDivisionError) for result in results] == [False, True, False, False]

    _with_batcher(model, 1, use)


def test_what_came_while_all_were_busy_is_the_next_batch(model: LoadedModel) -> None:
    """Nobody waits for a batch to fill, and none is larger than the cap."""
    backend = model.predictor.backend
    assert isinstance(backend, PoisonedBackend)
    backend.sizes.clear()

    async def use(batcher: Batcher) -> None:
        futures = [batcher.submit(np.zeros_like(WHITE), "probabilities", 30) for _ in range(20)]
        await asyncio.gather(*futures)

    _with_batcher(model, 1, use)
    assert sum(backend.sizes) == 20
    assert max(backend.sizes) == 4


def test_one_kind_of_work_a_batch(model: LoadedModel) -> None:
    """Probabilities and embeddings that wait together come out right."""

    async def use(batcher: Batcher) -> None:
        tasks = ("probabilities", "embed", "probabilities", "embed")
        answers = await asyncio.gather(*[batcher.submit(np.zeros_like(WHITE), task, 30) for task in tasks])
        assert [len(answer.values) == 3 for answer in answers] == [True, False, True, False]

    _with_batcher(model, 1, use)


def test_the_line_is_bounded_and_a_cancelled_image_makes_room(model: LoadedModel) -> None:
    """Without workers nothing moves: the third is refused, until one of the two is cancelled."""

    async def use(batcher: Batcher) -> None:
        first, _ = [batcher.submit(WHITE, "probabilities", 30) for _ in range(2)]
        with pytest.raises(RefusedError, match="2 images are waiting already"):
            batcher.submit(WHITE, "probabilities", 30)
        first.cancel()
        await asyncio.sleep(0)
        assert batcher.length == 1
        batcher.submit(WHITE, "probabilities", 30)

    _with_batcher(model, 0, use, most_images=2)


def test_the_line_is_bounded_by_bytes_too(model: LoadedModel) -> None:
    """A few large images fill it; one alone always fits."""

    async def use(batcher: Batcher) -> None:
        batcher.submit(bytes(2_000_000), "probabilities", 30)
        with pytest.raises(RefusedError, match="1 images are waiting already"):
            batcher.submit(b"small", "probabilities", 30)

    _with_batcher(model, 0, use)


def test_what_nobody_wants_any_more_is_not_computed(model: LoadedModel) -> None:
    """An image whose deadline has passed is passed over."""
    backend = model.predictor.backend
    assert isinstance(backend, PoisonedBackend)
    backend.sizes.clear()

    async def use(batcher: Batcher) -> None:
        late = batcher.submit(np.zeros_like(WHITE), "probabilities", -1)
        await batcher.submit(np.zeros_like(WHITE), "probabilities", 30)
        assert not late.done()

    _with_batcher(model, 1, use)
    assert backend.sizes == [1]


def test_a_stopping_server_answers_those_who_wait_and_no_others(model: LoadedModel) -> None:
    """Closing drains the line."""

    async def use(batcher: Batcher) -> None:
        futures = [batcher.submit(np.zeros_like(WHITE), "probabilities", 30) for _ in range(9)]
        await batcher.close()
        assert len(await asyncio.gather(*futures)) == 9
        with pytest.raises(RefusedError, match="The server is stopping"):
            batcher.submit(WHITE, "probabilities", 30)

    _with_batcher(model, 2, use)
