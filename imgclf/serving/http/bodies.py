"""Request bodies: counted as they are received, within a deadline, never more in memory than was agreed."""

import asyncio
import time
from contextlib import suppress
from typing import final

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgclf.serving.http.problems import RefusedError, overloaded
from imgclf.serving.settings import PAGE, ServerSettings

_LINGER_SECONDS = 2.0


@final
class BodyLayer:
    """Pure ASGI. uvicorn itself sets no limit on size, nor on how slowly a body may come.

    Args:
        app: what reads the body.
        settings: has the limits.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings) -> None:
        self._app = app
        self._settings = settings
        self._held = 0  # bytes of bodies of all requests that are being answered now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        most = body_limit(scope["path"], self._settings)
        body = _LimitedBody(receive, most, self._settings, self)
        try:
            check_framing(scope["headers"], most)
            await self._app(scope, body.receive, send)
        except RefusedError as problem:
            if not body.complete:
                problem.headers["Connection"] = "close"
                await _let_finish(scope, receive, 4 * self._settings.max_body)
            raise
        finally:
            self._held -= body.received

    def hold(self, count: int) -> None:
        """Count bytes that are now in memory.

        Raises:
            RefusedError: 503, all requests together would hold more than was agreed.
        """
        self._held += count
        if self._held > self._settings.queue_bytes:
            raise overloaded("The server holds as many uploads as it can. Try again in a second.")


@final
class _LimitedBody:
    """The body of one request, as it comes."""

    def __init__(self, receive: Receive, most: int, settings: ServerSettings, layer: BodyLayer) -> None:
        self._receive = receive
        self._most = most
        self._settings = settings
        self._layer = layer
        self._until = time.monotonic() + settings.receipt_seconds
        self.complete = False
        self.received = 0

    async def receive(self) -> Message:
        """Pass on what the client sent."""
        if self.complete:  # from here on it waits for the client to leave, however long the answer takes
            return await self._receive()
        try:
            message = await asyncio.wait_for(self._receive(), max(0.0, self._until - time.monotonic()))
        except TimeoutError:
            raise RefusedError(
                408,
                f"The request's body did not arrive within {self._settings.receipt_seconds:g} seconds. "
                f"Send it again, smaller or over a faster connection.",
            ) from None
        if message["type"] == "http.request":
            self.complete = not message.get("more_body", False)
            count = len(message.get("body", b""))
            self.received += count
            self._layer.hold(count)
            if self.received > self._most:
                raise _too_large(self._most)
        return message


def body_limit(path: str, settings: ServerSettings) -> int:
    """Return the most bytes of a body; the page sends its image in base64, and some words beside it."""
    if settings.ui and path.startswith(PAGE):
        return settings.max_body * 4 // 3 + 100_000
    return settings.max_body


def check_framing(headers: list[tuple[bytes, bytes]], max_body: int) -> None:
    """Refuse what the headers alone show to be wrong.

    Raises:
        RefusedError: 400 for an ambiguous length, 413 for one above the limit, 415 for a compressed body.
    """
    given = dict(headers)
    if b"content-length" in given and b"transfer-encoding" in given:
        raise RefusedError(
            400, "The request has both Content-Length and Transfer-Encoding. Send one of them."
        )
    encoding = given.get(b"content-encoding", b"identity").strip().lower()
    if encoding not in (b"identity", b""):
        raise RefusedError(
            415,
            f"The body is compressed ({printable(encoding)}), but only plain bodies are read. "
            f"Send it without Content-Encoding; images are compressed already.",
        )
    length = given.get(b"content-length", b"0")
    if not length.isdigit():
        raise RefusedError(400, "The Content-Length is not a number.")
    # Not int(length) alone: thousands of digits are a ValueError in Python.
    if len(length.lstrip(b"0")) > 15 or int(length) > max_body:
        raise _too_large(max_body)


def printable(header: bytes) -> str:
    """Return the beginning of a header's value as it may be shown."""
    return header[:40].decode("ascii", "backslashreplace")


def _too_large(max_body: int) -> RefusedError:
    return RefusedError(
        413,
        f"The body is larger than {max_body / 1e6:g} MB, the most that this server takes. "
        f"Send a smaller image (the model needs no more than its input size; see /model).",
    )


async def _let_finish(scope: Scope, receive: Receive, most: int) -> None:
    """Read and drop the rest for a moment: closing at once would reset the connection under the answer."""
    given = dict(scope["headers"])
    if b"expect" in given or not (b"content-length" in given or b"transfer-encoding" in given):
        return
    with suppress(TimeoutError):
        async with asyncio.timeout(_LINGER_SECONDS):
            dropped = 0
            while dropped <= most:
                message = await receive()
                dropped += len(message.get("body", b""))
                if message["type"] != "http.request" or not message.get("more_body", False):
                    return
