"""The outermost layer: every request gets an id, a clock, a log line, security headers and, always, an answer."""

import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import final

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgclf.serving.http.problems import RefusedError, defect
from imgclf.serving.http.security_headers import security_headers

_KEY = "imgclf.trace"
_SENDABLE_ID = re.compile(rb"[A-Za-z0-9._:-]{1,64}")


@dataclass
class Trace:
    """What is known of one request; layers and endpoints add to it.

    Attributes:
        id: of the request: the client's X-Request-ID where that is harmless, else a new one.
        method: HTTP method.
        path: without the query, which may hold what a person typed.
        started: ``time.perf_counter()`` at arrival.
        status: of the response, 499 when the client left before.
        caller: name of the key that was used, or "-".
        model: fingerprint of the model that answered.
        predictions: the labels that were predicted.
        confidences: of them, in [0, 1], in the same order; none of an explanation.
        timings: milliseconds by phase.
        error: what went wrong, None when nothing did.
    """

    id: str
    method: str
    path: str
    started: float
    status: int = 499
    caller: str = "-"
    model: str | None = None
    predictions: list[str] = field(default_factory=list)
    confidences: list[float] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)
    error: BaseException | None = None

    @property
    def seconds(self) -> float:
        """Time since arrival."""
        return time.perf_counter() - self.started


def trace_of(connection: HTTPConnection | Scope) -> Trace:
    """Return the trace of a request or its scope."""
    trace: Trace = connection[_KEY]
    return trace


@final
class TracingLayer:
    """Pure ASGI.

    Args:
        app: what answers.
        finished: is told of each request at its end, with the route's pattern ("unmatched" without one).
    """

    def __init__(self, app: ASGIApp, finished: Callable[[Trace, str], None]) -> None:
        self._app = app
        self._finished = finished

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, come what may."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        trace = _begin(scope)
        scope[_KEY] = trace
        headers = [(b"x-request-id", trace.id.encode()), *security_headers(trace.path)]
        begun = False

        async def send_with_headers(message: Message) -> None:
            nonlocal begun
            if message["type"] == "http.response.start":
                begun = True
                trace.status = message["status"]
                given = {name.lower() for name, _ in message["headers"]}
                added = [pair for pair in headers if pair[0] not in given]
                message = {**message, "headers": [*message["headers"], *added]}
            await send(message)

        try:
            await self._app(scope, receive, send_with_headers)
        except Exception as error:  # whatever it is, the client gets an answer and the log its traceback
            trace.error = error
            problem = error if isinstance(error, RefusedError) else defect(trace.id)
            if begun:
                raise
            if problem.status != 499:  # a client that left hears nothing any more
                await problem.response(trace.id)(scope, receive, send_with_headers)
        finally:
            self._finished(trace, _route(scope))


def _begin(scope: Scope) -> Trace:
    given = dict(scope["headers"]).get(b"x-request-id", b"")
    name = given.decode("ascii") if _SENDABLE_ID.fullmatch(given) else uuid.uuid4().hex
    return Trace(name, scope["method"], scope["path"], time.perf_counter())


def _route(scope: Scope) -> str:
    return str(getattr(scope.get("route"), "path", "unmatched"))
