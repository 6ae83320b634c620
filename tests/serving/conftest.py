"""Real servers on loopback, each in a thread, each on a free port."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import httpx
import pytest

from imgclf.runs import Run
from imgclf.serving.app import create_app
from imgclf.serving.server import bind, make_server
from imgclf.serving.service import Service
from imgclf.serving.settings import ServerSettings


@dataclass(frozen=True)
class RunningServer:
    """A server that answers.

    Attributes:
        url: where.
        port: the same as a number.
        service: what is behind it.
    """

    url: str
    port: int
    service: Service

    def client(self, **options: object) -> httpx.Client:
        """Return a client of it."""
        return httpx.Client(base_url=self.url, timeout=30, trust_env=False, **options)


Start = Callable[..., AbstractContextManager[RunningServer]]


@contextmanager
def running(model: Path, **changes: object) -> Iterator[RunningServer]:
    """Start a server with these settings; end it as SIGTERM would."""
    settings = ServerSettings(
        **{
            "model": str(model),
            "device": "cpu",
            "precision": "fp32",
            "threads": 2,
            "max_batch": 4,
            **changes,
        }
    )
    app = create_app(settings)
    server = make_server(app, settings.keep_alive)
    listener = bind("127.0.0.1", 0)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        wait_until(lambda: server.started or not thread.is_alive())
        port = listener.getsockname()[1]
        yield RunningServer(f"http://127.0.0.1:{port}", port, app.state.service)
    finally:
        server.should_exit = True
        thread.join(30)
        listener.close()
    assert not thread.is_alive()


def wait_until(true: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait for something to become true."""
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def is_ready(client: httpx.Client) -> bool:
    """Say whether a server takes requests; one that is not there yet does not."""
    try:
        return client.get("/ready").status_code == 200
    except httpx.TransportError:
        return False


@pytest.fixture
def start(shapes_run: Run) -> Start:
    """A way to a server of the test's own settings."""

    def with_run(**changes: object) -> AbstractContextManager[RunningServer]:
        return running(changes.pop("model", shapes_run.path), **changes)

    return with_run


@pytest.fixture(scope="session")
def server(shapes_run: Run) -> Iterator[RunningServer]:
    """A server without keys that most tests share; its clients must be quick."""
    with running(shapes_run.path, receipt_seconds=1.5, max_body=2_000_000) as one:
        yield one


@pytest.fixture(scope="session")
def client(server: RunningServer) -> Iterator[httpx.Client]:
    """A client of the shared server."""
    with server.client() as one:
        yield one


@pytest.fixture(scope="session")
def circle(shapes: Path) -> bytes:
    """An encoded image."""
    return (shapes / "test" / "circle" / "00.png").read_bytes()


@pytest.fixture(scope="session")
def photo_jpeg() -> bytes:
    """A larger image."""
    from tests.bad_files import photo

    buffer = BytesIO()
    photo(480, 640).save(buffer, "JPEG")
    return buffer.getvalue()
