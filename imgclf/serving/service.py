"""What the endpoints work with: one object that holds the model, the line of images, the log and the counters."""

import asyncio
import time
from collections.abc import Sequence
from contextlib import suppress
from typing import final

import numpy as np
from starlette.requests import Request

from imgclf._version import __version__
from imgclf.data import cores
from imgclf.serving.http.logs import ServerLog
from imgclf.serving.http.metrics import ServerMetrics
from imgclf.serving.http.problems import RefusedError, overloaded
from imgclf.serving.http.tracing import Trace
from imgclf.serving.model.batching import STUCK, Batcher, Output
from imgclf.serving.model.explaining import Explanations
from imgclf.serving.model.loaded import LoadedModel, Task
from imgclf.serving.model.served import ServedModel
from imgclf.serving.settings import PAGE, ServerSettings


@final
class Service:
    """Lives as long as the web application; has a model between :meth:`start` and :meth:`stop`.

    Args:
        settings: how it is set up.
    """

    def __init__(self, settings: ServerSettings) -> None:
        self.settings = settings
        self.metrics = ServerMetrics()
        self.log = ServerLog(settings)
        self.explanations = Explanations()
        self.accepting = False
        self._started = time.monotonic()
        self._models: ServedModel | None = None
        self._batcher: Batcher | None = None
        self._watcher: asyncio.Task[None] | None = None
        gauge = self.metrics.gauge
        gauge("imgclf_queue_images", "Images that wait.", lambda: self.queue, "livesum")
        gauge("imgclf_ready", "Whether requests are taken.", lambda: float(self.ready), "livemin")
        gauge("imgclf_uptime_seconds", "Since the process began to serve.", lambda: self.uptime, "livemax")

    async def start(self) -> None:
        """Load the model, warm it up, be ready.

        Raises:
            ImgclfError: the model cannot be served.
        """
        self.log.event(f"Loading {self.settings.model}")
        self._models = await asyncio.to_thread(ServedModel, self.settings, self._told)
        self._batcher = Batcher(
            lambda: self.model,
            self.settings.threads or cores(),
            self.settings.queue_images,
            self.settings.queue_bytes,
            self.metrics.batch,
        )
        self._told(
            f"Ready: {self.model.predictor.header.arch} by {self.model.engine} on {self.model.predictor.device} "
            f"in {self.model.precision}, at most {self.model.batch_cap} images at once",
            None,
        )
        if self.settings.reload_model:
            self._watcher = asyncio.create_task(self._models.watch())
        self.accepting = True
        if self.model.predictor.backend.name == "torch":
            self.explanations.prepare(self.model)
        self.metrics.look_up()

    async def stop(self) -> None:
        """Take no more, answer what waits, let the model go."""
        self.accepting = False
        if self._watcher:
            self._watcher.cancel()
            with suppress(asyncio.CancelledError):
                await self._watcher
        await asyncio.to_thread(self.explanations.close)
        if self._batcher:
            await self._batcher.close()
        self.log.event("Stopped")
        self.log.close()

    @property
    def model(self) -> LoadedModel:
        """The model that serves now.

        Raises:
            RefusedError: 503, there is none yet.
        """
        if self._models is None:
            raise overloaded("The model is still being loaded. Try again in a few seconds.", 3)
        return self._models.current

    @property
    def ready(self) -> bool:
        """Whether a request that came now would be taken."""
        return self.why_not_ready is None

    @property
    def why_not_ready(self) -> str | None:
        """Why requests are not taken now; None where they are."""
        if self._batcher is None or not self.accepting:
            return "The server is starting or stopping; it takes no requests now."
        return STUCK if self._batcher.stuck else None

    @property
    def queue(self) -> int:
        """Images that wait."""
        return self._batcher.length if self._batcher else 0

    @property
    def uptime(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def submit(self, source: bytes | np.ndarray, task: Task) -> "asyncio.Future[Output]":
        """Put one image in the line.

        Raises:
            RefusedError: 503, there is no room or the server does not take requests.
        """
        if self._batcher is None:
            raise overloaded("The model is still being loaded. Try again in a few seconds.", 3)
        return self._batcher.submit(source, task, self.settings.deadline)

    async def submit_and_wait(
        self, request: Request, sources: Sequence[bytes | np.ndarray], task: Task
    ) -> list[Output | BaseException]:
        """Compute several images; each result stands at its image's place.

        Raises:
            RefusedError: as :meth:`submit` and :meth:`wait` do; then none is left in the line.
        """
        futures: list[asyncio.Future[Output]] = []
        try:
            for source in sources:
                futures.append(self.submit(source, task))
        except RefusedError:  # no room for all: none is kept waiting for a response that will not be sent
            for future in futures:
                future.cancel()
            raise
        return await self.wait(request, futures) if futures else []

    async def wait(
        self, request: Request, futures: "Sequence[asyncio.Future[Output]]"
    ) -> list[Output | BaseException]:
        """Wait for all of them, for as long as the client and the deadline do.

        Returns:
            For each what came of it, in order.

        Raises:
            RefusedError: 504 when the deadline passed, 499 when the client left; what waited is taken out of the line.
        """
        left = asyncio.ensure_future(_client_leaves(request))
        together = asyncio.ensure_future(asyncio.wait(futures))
        try:
            await asyncio.wait(
                {left, together}, timeout=self.settings.deadline, return_when=asyncio.FIRST_COMPLETED
            )
            if together.done():
                return [future.exception() or future.result() for future in futures]
            if left.done():
                raise RefusedError(499, "The client left before its answer was there.")
            raise RefusedError(
                504,
                f"There was no answer within {self.settings.deadline:g} seconds. The server is busy or the image "
                f"takes too long to read; try again later or send a smaller one.",
            )
        finally:
            left.cancel()
            together.cancel()
            for future in futures:
                future.cancel()

    def finished(self, trace: Trace, route: str) -> None:
        """Log and count a request; not each file of the page."""
        if trace.path.startswith(PAGE) and trace.method == "GET" and trace.status < 400:
            return
        self.metrics.request(trace, route)
        self.log.request(trace)

    def _told(self, sentence: str, error: BaseException | None) -> None:
        self.log.event(sentence, error)
        if error is None:
            model = self.model
            self.metrics.model(model.fingerprint, model.predictor.header.arch, __version__)


async def _client_leaves(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass


def service_of(request: Request) -> Service:
    """Return the service of the application that a request came to."""
    service: Service = request.app.state.service
    return service
