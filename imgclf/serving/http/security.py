"""Who may call, from where, and how often."""

import asyncio
import base64
import binascii
import math
import time
from typing import final

from starlette.types import ASGIApp, Receive, Scope, Send

from imgclf.serving.http.credentials import KeyRing
from imgclf.serving.http.problems import RefusedError
from imgclf.serving.http.tracing import trace_of
from imgclf.serving.settings import PAGE, ServerSettings

OPEN_PATHS = frozenset({"/health", "/ready", "/v2/health/live", "/v2/health/ready"})
"""What a load balancer asks without a key; it tells nothing worth keeping."""

LOCAL_NAMES = frozenset({b"localhost", b"127.0.0.1", b"[::1]"})
_MOST_CALLERS = 10_000


@final
class SecurityLayer:
    """Pure ASGI: checks the caller before a byte of the body is read.

    Args:
        app: what answers those who may.
        settings: says whether names are checked and how often one may call.
        keys: without any, everybody may.
    """

    def __init__(self, app: ASGIApp, settings: ServerSettings, keys: KeyRing) -> None:
        self._app = app
        self._keys = keys
        self._checking = asyncio.Lock()
        self._local_names_only = settings.local_names_only
        self._rate = RateLimit(settings.rate_limit)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or refuse it."""
        if scope["type"] == "http":
            await self._check(scope)
        await self._app(scope, receive, send)

    async def _check(self, scope: Scope) -> None:
        if self._local_names_only:
            check_host(scope["headers"])
        if scope["path"] in OPEN_PATHS or scope["method"] == "OPTIONS":
            return
        trace = trace_of(scope)
        if self._keys:
            trace.caller = await authenticated(scope["headers"], self._keys, self._checking)
        if scope["path"].startswith((PAGE, "/favicon.ico")) and scope["method"] == "GET":
            return  # a page is dozens of small files; its questions are counted
        address = scope["client"][0] if scope.get("client") else "-"
        self._rate.count(trace.caller if self._keys else address)


def check_host(headers: list[tuple[bytes, bytes]]) -> None:
    """Refuse a request to a loopback server under another name.

    A web page may point its own name at 127.0.0.1 (DNS rebinding) and read answers that were not meant for it.

    Raises:
        RefusedError: 400.
    """
    host = dict(headers).get(b"host", b"localhost")
    name = host.rsplit(b":", 1)[0] if host.rsplit(b":", 1)[-1].isdigit() else host
    if name.lower() not in LOCAL_NAMES:
        raise RefusedError(
            400,
            "This server listens on this machine only: call it as http://127.0.0.1 or http://localhost. "
            "To be reached by another name start it with --host.",
        )


async def authenticated(headers: list[tuple[bytes, bytes]], keys: KeyRing, checking: asyncio.Lock) -> str:
    """Return the name of the key that the request has: X-API-Key, Bearer, or HTTP Basic with name and key.

    Args:
        headers: of the request.
        keys: those that count.
        checking: held while a password is checked.

    Raises:
        RefusedError: 401, whatever is wrong with it: missing, unknown, twice, not base64.
    """
    presented = [value for name, value in headers if name in (b"authorization", b"x-api-key")]
    if len(presented) == 1:
        name, secret = _parse(headers)
        if secret is not None:
            owner = keys.quick_owner(secret, name)
            if owner is None:
                # One at a time and in a thread: guesses must not take the cores from those who have a key.
                async with checking:
                    owner = await asyncio.to_thread(keys.password_owner, secret, name)
            if owner is not None:
                return owner
    given = (
        "has no API key"
        if not presented
        else "has more than one key"
        if len(presented) > 1
        else "has a wrong key"
    )
    raise RefusedError(
        401,
        f"The request {given}. Send yours as 'X-API-Key: KEY', as 'Authorization: Bearer KEY', or with HTTP Basic "
        f"as user name and password.",
        headers={"WWW-Authenticate": 'Basic realm="imgclf", charset="UTF-8"'},
    )


def _parse(headers: list[tuple[bytes, bytes]]) -> tuple[bytes | None, bytes | None]:
    """Return (name, secret) as bytes: credentials need not be text in any encoding."""
    given = dict(headers)
    if b"x-api-key" in given:
        return None, given[b"x-api-key"]
    scheme, _, value = given[b"authorization"].partition(b" ")
    if scheme.lower() == b"bearer":
        return None, value.strip()
    if scheme.lower() == b"basic":
        try:
            name, separator, secret = base64.b64decode(value.strip(), validate=True).partition(b":")
        except (binascii.Error, ValueError):
            return None, None
        return (name, secret) if separator else (None, None)
    return None, None


@final
class RateLimit:
    """A token bucket for each caller: a minute's worth may come at once, then they trickle in.

    Args:
        per_minute: 0 is no limit.
    """

    def __init__(self, per_minute: int) -> None:
        self._per_minute = per_minute
        self._callers: dict[str, tuple[float, float]] = {}  # tokens left, when

    def count(self, caller: str) -> None:
        """Count one request.

        Raises:
            RefusedError: 429 with Retry-After.
        """
        if not self._per_minute:
            return
        now = time.monotonic()
        tokens, then = self._callers.get(caller, (float(self._per_minute), now))
        tokens = min(self._per_minute, tokens + (now - then) * self._per_minute / 60)
        if tokens < 1:
            wait = math.ceil((1 - tokens) * 60 / self._per_minute)
            raise RefusedError(
                429,
                f"More than {self._per_minute} requests a minute. Try again in {wait} seconds.",
                headers={"Retry-After": str(wait)},
            )
        if len(self._callers) >= _MOST_CALLERS:
            self._callers.clear()
        self._callers[caller] = (tokens - 1, now)
