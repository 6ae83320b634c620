"""HEAD wherever GET is answered: what link checkers and load balancers ask (RFC 9110, section 9.3.2)."""

from typing import final

from starlette.types import ASGIApp, Receive, Scope, Send


@final
class HeadLayer:
    """Pure ASGI: hands HEAD on as GET; the web server under it leaves the body out.

    Args:
        app: what answers GET.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request."""
        if scope["type"] != "http" or scope["method"] != "HEAD":
            await self._app(scope, receive, send)
            return
        as_get = {**scope, "method": "GET"}
        try:
            await self._app(as_get, receive, send)
        finally:
            if "route" in as_get:  # the metrics count by it
                scope["route"] = as_get["route"]
