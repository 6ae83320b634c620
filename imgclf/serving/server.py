"""uvicorn under the application: a deadline for headers, a quiet log, and an end that drains and exits 0."""

import asyncio
import logging
import os
import socket
import tempfile
from types import FrameType
from typing import Any, final

import h11
import uvicorn
from fastapi import FastAPI
from uvicorn.config import STARTUP_FAILURE
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.supervisors import Multiprocess

from imgclf.errors import RunError, UsageError
from imgclf.serving.app import RECEIPT_SECONDS, create_app
from imgclf.serving.http.logs import ServerLog
from imgclf.serving.http.metrics import FOLDER_VARIABLE
from imgclf.serving.service import Service
from imgclf.serving.settings import KEEP_ALIVE, ServerSettings

_DRAIN_SECONDS = 30
_HUNG_SECONDS = (
    30  # a worker process that gives no sign for so long is replaced; importing torch may take ten
)
_REFUSAL = b'{"error":"The request\'s headers did not arrive in time.","code":"request_timeout","status":408}'


class DeadlineProtocol(H11Protocol):
    """HTTP/1.1 whose clients must send their headers in time: uvicorn itself waits for ever."""

    _timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Start the clock."""
        super().connection_made(transport)
        self._start_clock()

    def data_received(self, data: bytes) -> None:
        """Stop the clock once the headers are complete; start it when the next ones have begun."""
        super().data_received(data)
        if self.conn.their_state is not h11.IDLE:
            self._stop_clock()
        elif self._timer is None:
            self._start_clock()

    def connection_lost(self, exc: Exception | None) -> None:
        """Stop the clock."""
        self._stop_clock()
        super().connection_lost(exc)

    def _start_clock(self) -> None:
        self._timer = self.loop.call_later(self.app_state[RECEIPT_SECONDS], self._refuse)

    def _stop_clock(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _refuse(self) -> None:
        if self.transport.is_closing() or self.conn.their_state is not h11.IDLE:
            return
        head = b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
        self.transport.write(head + b"Content-Length: %d\r\n\r\n" % len(_REFUSAL) + _REFUSAL)
        self.transport.close()


@final
class Server(uvicorn.Server):
    """Unready at the first signal, answers what is under way, and ends with exit code 0."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Begin to stop, at once where the model is still loading; a second signal does not wait for requests.

        uvicorn itself would raise the signal again once it is done, so that the process ended by it.
        """
        service = _service(self.config.loaded_app) if self.config.loaded else None
        if service is not None:
            service.accepting = False
            if not self.started:
                # The thread that loads cannot be interrupted, and there is no request that could be lost.
                service.log.event("Stopped while the model was loading")
                os._exit(0)
        if self.should_exit:
            self.force_exit = True
        self.should_exit = True


def _service(loaded: Any) -> Service | None:
    """Return the service of the application that uvicorn has wrapped."""
    while loaded is not None and not isinstance(loaded, FastAPI):
        loaded = getattr(loaded, "app", None)
    return None if loaded is None else loaded.state.service


def _silence_uvicorn() -> None:
    """Our own log says what there is to say; without a handler Python would print uvicorn's tracebacks."""
    logging.getLogger("uvicorn").addHandler(logging.NullHandler())


def make_server(app: FastAPI | str, keep_alive: int = KEEP_ALIVE) -> Server:
    """Return a server for an application, or for its import string with ``--workers``.

    Args:
        app: what answers.
        keep_alive: seconds for which a connection without requests is kept.
    """
    _silence_uvicorn()
    config = uvicorn.Config(
        app,
        http=DeadlineProtocol,
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_keep_alive=keep_alive,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        timeout_worker_healthcheck=_HUNG_SECONDS,
        factory=isinstance(app, str),
        backlog=2048,
    )
    return Server(config)


def bind(host: str, port: int) -> socket.socket:
    """Take an address, so that it is known to be free (and which it is) before a model is loaded.

    Args:
        host: a name or an IPv4 or IPv6 address.
        port: 0 takes any free one.

    Raises:
        UsageError: it cannot be taken.
    """
    taken = None
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        taken = socket.socket(family, kind, protocol)
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(address)
    except OSError as error:
        if taken is not None:
            taken.close()
        raise UsageError(
            f"The server cannot listen on {host}, port {port} ({error.strerror}). "
            f"Choose another with --host or --port; --port 0 takes any free one."
        ) from None
    taken.set_inheritable(True)
    return taken


def serve(settings: ServerSettings, listener: socket.socket, processes: int = 1) -> None:
    """Serve until a signal ends it.

    Args:
        settings: how the application is set up.
        listener: of :func:`bind`.
        processes: each has its own model and line of images.

    Raises:
        ImgclfError: the model cannot be served.
        RunError: one of several processes could not start.
    """
    if processes > 1:
        _serve_in_processes(settings, listener, processes)
        return
    app = create_app(settings)
    try:
        make_server(app, settings.keep_alive).run(sockets=[listener])
    except SystemExit:
        raise app.state.failure from None


@final
class Supervisor(Multiprocess):
    """Replaces processes that end, as uvicorn's does, and says which did not end by themselves.

    Args:
        config: of the server of each process.
        sockets: that they share.
        log: where that is said.
    """

    def __init__(self, config: uvicorn.Config, sockets: list[socket.socket], log: ServerLog) -> None:
        super().__init__(config, sockets=sockets)
        self._log = log

    def keep_subprocess_alive(self) -> None:
        """Start a new process for each that is gone."""
        before = list(self.processes)
        super().keep_subprocess_alive()
        for process in before:
            if process not in self.processes and (code := process.exitcode) is not None and code < 0:
                self._log.event(
                    f"Process {process.pid} was ended by signal {-code}, from outside or because it no longer answered; "
                    f"a new one takes its place."
                )


def _serve_in_processes(settings: ServerSettings, listener: socket.socket, processes: int) -> None:
    settings.to_environment()
    config = make_server("imgclf.serving.server:app_of_process", settings.keep_alive).config
    config.workers = processes
    with tempfile.TemporaryDirectory(prefix="imgclf-metrics-") as folder:
        os.environ[FOLDER_VARIABLE] = folder
        supervisor = Supervisor(config, [listener], ServerLog(settings))
        supervisor.run()
    if any(process.exitcode == STARTUP_FAILURE for process in supervisor.processes):
        raise RunError("A server process could not start; the log above says why.")


def app_of_process() -> FastAPI:
    """Build the application of a worker process."""
    _silence_uvicorn()
    return create_app(ServerSettings.from_environment())
