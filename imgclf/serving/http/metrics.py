"""What Prometheus reads at /metrics.

With several server processes, whichever is asked answers for all of them: each keeps its counters in files of one
folder, and ``prometheus_client`` adds them up (https://prometheus.github.io/client_python/multiprocess/).
"""

import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Literal, final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead

from imgclf.serving.http.tracing import Trace

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
FOLDER_VARIABLE = "PROMETHEUS_MULTIPROC_DIR"
"""The environment variable that names the folder; prometheus_client looks for it when it is imported."""

_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_CONFIDENCES = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99, 1)
_IMAGES = (1, 2, 4, 8, 16, 32, 64)


@final
class ServerMetrics:
    """Counters of this server process, or of all that share a folder."""

    def __init__(self) -> None:
        self._folder = os.environ.get(FOLDER_VARIABLE)
        if self._folder:
            _forget_the_dead(Path(self._folder))
        self._gauges: list[tuple[Gauge, Callable[[], float]]] = []
        self._served: tuple[str, str, str] | None = None
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "imgclf_requests",
            "Requests by route and status.",
            ["method", "route", "status"],
            registry=self._registry,
        )
        self._seconds = Histogram(
            "imgclf_request_seconds",
            "From arrival to the last byte of the answer.",
            ["route"],
            buckets=_SECONDS,
            registry=self._registry,
        )
        self._phases = Counter(
            "imgclf_phase_seconds",
            "Time by phase: queue, decode, inference.",
            ["phase"],
            registry=self._registry,
        )
        self._predictions = Counter("imgclf_answers", "Answers by label.", ["label"], registry=self._registry)
        self._confidence = Histogram(
            "imgclf_confidence",
            "Confidence of predictions: it sinks when images are no longer what the model was trained on.",
            buckets=_CONFIDENCES,
            registry=self._registry,
        )
        self._batches = Histogram(
            "imgclf_batch_images", "Images computed at once.", buckets=_IMAGES, registry=self._registry
        )
        self._model = Gauge(
            "imgclf_model_info",
            "The model that serves.",
            ["fingerprint", "architecture", "version"],
            registry=self._registry,
            multiprocess_mode="livemax",
        )

    def gauge(
        self,
        name: str,
        text: str,
        value: Callable[[], float],
        together: Literal["livesum", "livemin", "livemax"],
    ) -> None:
        """Add a value that is looked up at each reading, and at each request for the other processes' readings.

        Args:
            name: of the series.
            text: what it is.
            value: looks it up.
            together: how the values of several processes become one.
        """
        gauge = Gauge(name, text, registry=self._registry, multiprocess_mode=together)
        self._gauges.append((gauge, value))

    def model(self, fingerprint: str, architecture: str, version: str) -> None:
        """Name the model that serves now; the one before has the value 0."""
        if self._served is not None:
            self._model.labels(*self._served).set(0)
        self._served = (fingerprint, architecture, version)
        self._model.labels(*self._served).set(1)
        self.look_up()

    def batch(self, images: int) -> None:
        """Count one computed batch."""
        self._batches.observe(images)

    def request(self, trace: Trace, route: str) -> None:
        """Count one finished request."""
        method = (
            trace.method if trace.method in _METHODS else "OTHER"
        )  # a stranger's word makes no new series
        self._requests.labels(method, route, trace.status).inc()
        self._seconds.labels(route).observe(trace.seconds)
        for phase, milliseconds in trace.timings.items():
            if phase != "total_ms":
                self._phases.labels(phase.removesuffix("_ms")).inc(milliseconds / 1e3)
        for label in trace.predictions:
            self._predictions.labels(label).inc()
        for confidence in trace.confidences:
            self._confidence.observe(confidence)
        if self._folder:
            self.look_up()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        self.look_up()
        if self._folder is None:
            return generate_latest(self._registry)
        together = CollectorRegistry()
        MultiProcessCollector(together, self._folder)  # type: ignore[no-untyped-call]
        return generate_latest(together)

    def look_up(self) -> None:
        """Take over the present values, for whichever process is asked next."""
        for gauge, value in self._gauges:
            gauge.set(value())


def _forget_the_dead(folder: Path) -> None:
    """Take out the present state of processes that ended; what they counted stays."""
    for file in folder.glob("gauge_live*_*.db"):
        pid = file.stem.rsplit("_", 1)[-1]
        try:
            os.kill(int(pid), 0)
        except OSError:
            with suppress(FileNotFoundError):  # another new process was quicker
                mark_process_dead(pid, str(folder))  # type: ignore[no-untyped-call]
