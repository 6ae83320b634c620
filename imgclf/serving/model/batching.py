"""Many requests, few cores: images wait in one line, and whoever is free takes as many as are worth taking.

Nobody waits for a batch to fill: what came in while all workers were busy is the next batch. N workers with one
computing thread each beat one worker with N, because threads inside one operator stall each other as soon as
anything else wants a core.
"""

import asyncio
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, final

import numpy as np

from imgclf.data import read_input
from imgclf.errors import ImageError, OutOfMemoryError
from imgclf.serving.http.problems import RefusedError, overloaded
from imgclf.serving.model.loaded import LoadedModel, Task
from imgclf.serving.model.memory import LARGE_PIXELS, give_back

STUCK = "All workers are still busy with images that took longer than the deadline allows. Try again in a few seconds."


@dataclass(frozen=True, eq=False)
class Output:
    """What the model said of one image.

    Attributes:
        values: probabilities (K,) or embedding (D,), float32.
        model: that computed it.
        size: (height, width) of the image, None for ready pixels.
        queue_ms: time until a worker took it.
        decode_ms: reading and preprocessing.
        inference_ms: computing, for the whole batch.
        batch: images in the batch.
    """

    values: np.ndarray
    model: LoadedModel
    size: tuple[int, int] | None
    queue_ms: float
    decode_ms: float
    inference_ms: float
    batch: int

    def timings(self) -> dict[str, float]:
        """Return the milliseconds by phase."""
        return {
            "queue_ms": round(self.queue_ms, 3),
            "decode_ms": round(self.decode_ms, 3),
            "inference_ms": round(self.inference_ms, 3),
        }


@dataclass(eq=False)
class Job:
    """One image in the line.

    Attributes:
        source: an encoded image, or preprocessed pixels uint8 (H, W, C).
        task: what is wanted.
        until: ``time.monotonic()`` after which nobody wants it any more.
        future: gets the output or the problem, in the event loop.
    """

    source: bytes | np.ndarray
    task: Task
    until: float
    future: "asyncio.Future[Output]"
    arrived: float = field(default_factory=time.perf_counter)
    taken: float = 0.0
    decode_ms: float = 0.0
    size: tuple[int, int] | None = None
    pixels: np.ndarray | None = None

    @property
    def bytes(self) -> int:
        """How much it holds while it waits."""
        return len(self.source) if isinstance(self.source, bytes) else self.source.nbytes


@final
class Batcher:
    """The line and its workers.

    Args:
        model: returns the model that serves now; it may change between batches, never within one.
        threads: number of workers.
        most_images: longest line; one more is refused.
        most_bytes: most bytes in the line.
        observed: is told the size of each computed batch.
    """

    def __init__(
        self,
        model: Callable[[], LoadedModel],
        threads: int,
        most_images: int,
        most_bytes: int,
        observed: Callable[[int], None] = lambda size: None,
    ) -> None:
        self._model = model
        self._most_images = most_images
        self._most_bytes = most_bytes
        self._observed = observed
        self._waiting: deque[Job] = deque()
        self._bytes = 0
        self._computing: dict[str, float] = {}  # by thread, until when somebody wants what it computes
        self._closed = False
        self._changed = threading.Condition()
        self._loop = asyncio.get_running_loop()
        names = [f"imgclf-serve-{number}" for number in range(threads)]
        self._threads = [threading.Thread(target=self._work, name=name, daemon=True) for name in names]
        for thread in self._threads:
            thread.start()

    @property
    def length(self) -> int:
        """Images that wait."""
        return len(self._waiting)

    @property
    def busy(self) -> int:
        """Workers that compute."""
        return len(self._computing)

    @property
    def stuck(self) -> bool:
        """Whether every worker computes what nobody waits for any more: its deadline has passed."""
        now = time.monotonic()
        return 0 < len(self._threads) == sum(until <= now for until in self._computing.copy().values())

    def submit(self, source: bytes | np.ndarray, task: Task, seconds: float) -> "asyncio.Future[Output]":
        """Put an image in the line; cancelling the future takes it out again.

        Raises:
            RefusedError: 503, the line is full, nobody is there to take from it, or the server is stopping.
        """
        job = Job(source, task, time.monotonic() + seconds, self._loop.create_future())
        with self._changed:
            if self._closed:
                raise overloaded("The server is stopping. Send the request to another one.", 5)
            if self.stuck:
                raise overloaded(STUCK, 3)
            full = len(self._waiting) >= self._most_images or self._bytes + job.bytes > self._most_bytes
            if full and self._waiting:
                raise overloaded(
                    f"{len(self._waiting)} images are waiting already, and that is all the room there is. "
                    f"Try again in a second."
                )
            self._waiting.append(job)
            self._bytes += job.bytes
            self._changed.notify()
        job.future.add_done_callback(lambda future: self._drop(job) if future.cancelled() else None)
        return job.future

    async def close(self) -> None:
        """Output those who wait, then let the workers go."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            await asyncio.to_thread(thread.join)
        self._model().limit_threads(None)

    def _drop(self, job: Job) -> None:
        with self._changed:
            if job in self._waiting:
                self._waiting.remove(job)
                self._bytes -= job.bytes

    def _work(self) -> None:
        limited: LoadedModel | None = None
        while batch := self._take():
            model = self._model()
            if model is not limited:
                limited = model
                limited.limit_threads(1)
            try:
                self._compute_batch(batch, model)
                if any(map(_was_large, batch)) and not self._waiting:
                    give_back()
            finally:
                with self._changed:
                    del self._computing[threading.current_thread().name]

    def _take(self) -> list[Job]:
        """Wait for work; take a fair share of it, of one kind, in order of arrival. Nothing once all is done."""
        with self._changed:
            while True:
                while not self._waiting:
                    if self._closed:
                        return []
                    self._changed.wait()
                share = math.ceil(len(self._waiting) / len(self._threads))
                batch = self._take_first(min(share, self._model().batch_cap))
                if batch:
                    until = max(job.until for job in batch)
                    self._computing[threading.current_thread().name] = until
                    return batch

    def _take_first(self, count: int) -> list[Job]:
        batch: list[Job] = []
        now, taken = time.monotonic(), time.perf_counter()
        while self._waiting and len(batch) < count:
            if batch and self._waiting[0].task != batch[0].task:
                break
            job = self._waiting.popleft()
            self._bytes -= job.bytes
            job.taken = taken
            if job.until > now:  # the request of an older one has been answered 504 by its own clock
                batch.append(job)
        return batch

    def _compute_batch(self, batch: Sequence[Job], model: LoadedModel) -> None:
        readable = [job for job in batch if self._decoded(job, model)]
        if not readable:
            return
        try:
            self._compute(readable, model)
        except Exception as error:  # whatever the network raised, the others in the batch are not to blame
            if len(readable) == 1:
                self._deliver([(readable[0], _problem(error))])
                return
            for job in readable:
                self._compute_alone(job, model)

    def _compute_alone(self, job: Job, model: LoadedModel) -> None:
        try:
            self._compute([job], model)
        except Exception as error:  # handed to the one request that it belongs to
            self._deliver([(job, _problem(error))])

    def _decoded(self, job: Job, model: LoadedModel) -> bool:
        start = time.perf_counter()
        spec = model.predictor.header.preprocessing
        try:
            if isinstance(job.source, bytes):
                job.pixels, job.size = read_input(job.source, spec, name="The image")
            else:
                job.pixels = job.source
        except Exception as error:  # whatever it is, it is of this image only
            self._deliver([(job, _problem(error))])
            return False
        job.decode_ms = 1e3 * (time.perf_counter() - start)
        return True

    def _compute(self, jobs: Sequence[Job], model: LoadedModel) -> None:
        start = time.perf_counter()
        pixels = np.stack([job.pixels for job in jobs if job.pixels is not None])
        values = model.compute(jobs[0].task, pixels)
        elapsed = 1e3 * (time.perf_counter() - start)
        self._observed(len(jobs))
        outputs = [
            Output(row, model, job.size, 1e3 * (job.taken - job.arrived), job.decode_ms, elapsed, len(jobs))
            for job, row in zip(jobs, values, strict=True)
        ]
        self._deliver(list(zip(jobs, outputs, strict=True)))

    def _deliver(self, results: Sequence[tuple[Job, Any]]) -> None:
        """Hand results to the event loop, all of a batch in one call."""
        self._loop.call_soon_threadsafe(_settle, results)


def _problem(error: Exception) -> Exception:
    """Return what a client is told: an image that cannot be read and a full memory are no defects."""
    if isinstance(error, ImageError):
        return RefusedError.of_image(error)
    if isinstance(error, MemoryError | OutOfMemoryError):
        return overloaded(
            "The server has not enough memory for this image now. Try again later, or send a smaller one.", 5
        )
    return error


def _was_large(job: Job) -> bool:
    """Whether reading an image took much memory; one that could not be read may have."""
    if job.size is None:
        return isinstance(job.source, bytes)
    return job.size[0] * job.size[1] >= LARGE_PIXELS


def _settle(results: Sequence[tuple[Job, Any]]) -> None:
    for job, result in results:
        if job.future.done():  # the client left, or its deadline passed
            continue
        if isinstance(result, BaseException):
            job.future.set_exception(result)
        else:
            job.future.set_result(result)
