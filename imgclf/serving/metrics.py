"""What Prometheus reads at /metrics."""

from collections.abc import Callable
from typing import final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from imgclf.serving.tracing import Trace

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_IMAGES = (1, 2, 4, 8, 16, 32, 64)


@final
class ServerMetrics:
    """Counters of one server process."""

    def __init__(self) -> None:
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
        self._answers = Counter("imgclf_answers", "Answers by label.", ["label"], registry=self._registry)
        self._batches = Histogram(
            "imgclf_batch_images", "Images computed at once.", buckets=_IMAGES, registry=self._registry
        )
        self._model = Gauge(
            "imgclf_model_info",
            "The model that serves.",
            ["fingerprint", "architecture", "version"],
            registry=self._registry,
        )

    def gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        """Add a value that is looked up at each reading."""
        Gauge(name, text, registry=self._registry).set_function(value)

    def model(self, fingerprint: str, architecture: str, version: str) -> None:
        """Name the model that serves now."""
        self._model.clear()
        self._model.labels(fingerprint, architecture, version).set(1)

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
        for label in trace.answers:
            self._answers.labels(label).inc()

    def text(self) -> bytes:
        """Return everything in Prometheus' text format."""
        return generate_latest(self._registry)
