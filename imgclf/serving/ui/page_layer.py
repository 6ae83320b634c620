"""The page in front of the endpoints: behind the same keys, limits and log as they are."""

import asyncio
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import final
from urllib.parse import quote

from starlette.responses import RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from imgclf.runs import KeptImage
from imgclf.serving.http.problems import RefusedError
from imgclf.serving.service import Service
from imgclf.serving.settings import PAGE
from imgclf.serving.ui.facts import Facts, gather
from imgclf.serving.ui.layout import asset
from imgclf.serving.ui.mount import allowed, mounted

_ROUTE = SimpleNamespace(path=PAGE)
_TYPES = {".png": "image/png", ".jpg": "image/jpeg"}
_KEEP = (
    b"cache-control",
    b"private, max-age=86400",
)  # the names of these files have a hash of what is in them


@dataclass(frozen=True, eq=False)
class _Built:
    """The page for one model."""

    fingerprint: str
    facts: Facts
    gradio: ASGIApp


@final
class PageLayer:
    """Pure ASGI: answers for the page, and passes everything else on.

    Args:
        app: the endpoints.
        service: that answers both.
        asks_for_key: whether programs need one.
    """

    def __init__(self, app: ASGIApp, service: Service, asks_for_key: bool) -> None:
        self._app = app
        self._service = service
        self._asks_for_key = asks_for_key
        self._building = asyncio.Lock()
        self._built: _Built | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        path = scope["path"] if scope["type"] == "http" else ""
        if path.startswith(PAGE):
            scope["route"] = _ROUTE
            await self._page(path.removeprefix(PAGE), scope, receive, send)
        elif path == PAGE.rstrip("/") or (path == "/" and _is_browser(scope)):
            await RedirectResponse(PAGE.removeprefix("/"), 307)(
                scope, receive, send
            )  # right below a proxy's prefix, too
        elif path == "/favicon.ico":
            await Response(asset("icon.svg"), media_type="image/svg+xml")(scope, receive, send)
        else:
            await self._app(scope, receive, send)

    async def _page(self, path: str, scope: Scope, receive: Receive, send: Send) -> None:
        page = await self._current()
        folder, _, number = path.partition("/")
        images = {"examples": page.facts.examples, "errors": page.facts.errors or []}.get(folder)
        if images is not None:
            await (await _image(images, number))(scope, receive, send)
            return
        if not allowed(scope["method"], path):
            raise RefusedError(404, "There is nothing at this address of the page. Go to /ui/.")

        async def send_to_keep(message: Message) -> None:
            if message["type"] == "http.response.start" and folder == "assets":
                message = {**message, "headers": [*message["headers"], _KEEP]}
            await send(message)

        await page.gradio(dict(scope), receive, send_to_keep)

    async def _current(self) -> _Built:
        """Return the page, built for the model that serves now."""
        async with self._building:
            fingerprint = self._service.model.fingerprint
            if self._built is None or self._built.fingerprint != fingerprint:
                facts = await gather(self._service, self._asks_for_key)
                # In a thread, since it takes half a second; with a loop, or Gradio makes one and never closes it.
                gradio = await asyncio.to_thread(asyncio.run, mounted(self._service, facts))
                self._built = _Built(fingerprint, facts, gradio)
            return self._built


async def _image(images: list[KeptImage], number: str) -> Response:
    """Return an image that the run keeps."""
    if not number.isdecimal() or len(number) > 3 or int(number) >= len(images):
        raise RefusedError(404, "The run keeps no such image.")
    path: Path = images[int(number)].path
    try:
        content = await asyncio.to_thread(path.read_bytes)
    except OSError:
        raise RefusedError(404, "The image was deleted from the run.") from None
    return Response(content, media_type=_TYPES[path.suffix], headers={"X-File-Name": quote(path.name)})


def _is_browser(scope: Scope) -> bool:
    accepted = dict(scope["headers"]).get(b"accept", b"")
    return scope["method"] in ("GET", "HEAD") and b"text/html" in accepted
