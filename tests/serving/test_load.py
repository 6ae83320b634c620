"""Ten thousand requests, batches of every size, large images: what they leave behind."""

import asyncio
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import httpx
import pytest
from PIL import Image

from imgclf.runs import Run
from tests.bad_files import encoded
from tests.serving.conftest import is_ready, wait_until

CONNECTIONS = 32
REQUESTS = 10_000
WARM_UP = 1_000
MEGABYTE = 1_000_000


pytestmark = pytest.mark.skipif(
    not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc"
)


@dataclass(frozen=True)
class ServerProcess:
    """A server in a process of its own.

    Attributes:
        process: what runs.
        port: where it answers.
        client: asks it.
        output: what it has written to stdout and to stderr.
    """

    process: subprocess.Popen[bytes]
    port: int
    client: httpx.Client
    output: tuple[Path, Path]

    @property
    def memory(self) -> int:
        """The bytes of memory that it occupies."""
        return 1024 * _status_of(self.process.pid, "VmRSS")


@contextmanager
def serving(model: Path, folder: Path, *options: str) -> Iterator[ServerProcess]:
    """Start ``imgclf serve``, wait until it is ready, and end it as a platform does."""
    command = [sys.executable, "-m", "imgclf", "serve", "--model-file", str(model), "--port", "0"]
    out, log = folder / "out", folder / "log"
    with out.open("wb") as stdout, log.open("wb") as stderr:
        server = subprocess.Popen(
            [*command, "--device", "cpu", *options],
            stdout=stdout,
            stderr=stderr,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
    try:
        wait_until(lambda: b"Serving at" in log.read_bytes() or server.poll() is not None, 60)
        port = int(re.search(rb"127\.0\.0\.1:(\d+)", log.read_bytes())[1])  # type: ignore[index]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60) as client:
            wait_until(lambda: is_ready(client), 150)
            yield ServerProcess(server, port, client, (out, log))
        server.terminate()
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()


@pytest.mark.slow
def test_ten_thousand_requests_leave_nothing_behind(shapes_run: Run, circle: bytes, tmp_path: Path) -> None:
    """Thirty-two connections: no error, no growth in memory after the warm-up, an empty line at the end.

    And on stdout, where results of other commands go, there is nothing.
    """
    with serving(shapes_run.model_file, tmp_path) as server:
        asyncio.run(_ask(server.port, circle, WARM_UP))
        before = server.memory
        statuses = asyncio.run(_ask(server.port, circle, REQUESTS))
        after = server.memory
        metrics = server.client.get("/metrics").text
    assert statuses == {200: REQUESTS}
    assert after - before < 10 * MEGABYTE, (before, after)
    assert "imgclf_queue_images 0.0" in metrics
    count = 'imgclf_requests_total{method="POST",route="/predict",status="200"}'
    assert f"{count} {float(WARM_UP + REQUESTS)}" in metrics
    assert server.output[0].read_bytes() == b""


@pytest.mark.slow
@pytest.mark.parametrize("runtime", ["onnx", "torch"])
def test_memory_is_flat_over_batch_sizes(
    shapes_run: Run, circle: bytes, tmp_path: Path, runtime: str
) -> None:
    """Requests of 1 to 64 images: an engine that kept something for each size would show."""
    with serving(shapes_run.model_file, tmp_path, "--runtime", runtime) as server:

        def ask(count: int) -> int:
            return server.client.post("/predict/batch", files=[("files", circle)] * count).status_code

        assert (
            server.client.post("/explain", files={"file": circle}).status_code == 200
        )  # all is imported then
        assert {ask(count) for count in range(1, 65, 3)} == {200}
        before = server.memory
        random = Random(0)
        assert {ask(random.randint(1, 64)) for _ in range(60)} == {200}
        assert server.memory - before < 15 * MEGABYTE, (before, server.memory)


@pytest.mark.slow
def test_memory_of_large_images_is_given_back(shapes_run: Run, circle: bytes, tmp_path: Path) -> None:
    """Eight of 48 megapixels, two at once, take hundreds of megabytes; a moment later they do not."""
    large = encoded(Image.new("RGB", (6_900, 7_000), "teal"), "PNG")  # read whole, which a JPEG is not
    with serving(shapes_run.model_file, tmp_path, "--deadline", "120", "--threads", "2") as server:
        assert server.client.post("/predict", files={"file": circle}).status_code == 200
        before = server.memory
        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(server.client.post, "/predict", files={"file": large}, timeout=120)
                for _ in range(8)
            ]
            assert {one.result().status_code for one in asked} == {200}
        wait_until(lambda: server.memory - before < 100 * MEGABYTE, 10)


@pytest.mark.slow
def test_a_full_memory_is_told_and_outlived(shapes_run: Run, circle: bytes, tmp_path: Path) -> None:
    """An image that finds no memory is refused with advice, not called damaged, and the next one is answered."""
    import resource

    large = encoded(Image.new("RGB", (6_900, 7_000), "teal"), "PNG")  # read whole, which a JPEG is not
    with serving(shapes_run.model_file, tmp_path, "--threads", "1") as server:
        assert server.client.post("/predict", files={"file": circle}).status_code == 200
        taken = 1024 * _status_of(server.process.pid, "VmSize")
        before = resource.prlimit(server.process.pid, resource.RLIMIT_AS)
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, (taken + 60 * MEGABYTE, before[1]))
        full = server.client.post("/predict", files={"file": large})
        resource.prlimit(server.process.pid, resource.RLIMIT_AS, before)
        assert full.status_code == 503, full.text
        assert full.json()["error"].startswith("The server has not enough memory for this image now.")
        assert full.headers["retry-after"] == "5"
        assert server.client.post("/predict", files={"file": large}).status_code == 200


def _status_of(pid: int, name: str) -> int:
    """Return a figure of what Linux says of a process, in kibibytes."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(re.search(rf"{name}:\s+(\d+)", status)[1])  # type: ignore[index]


async def _ask(port: int, image: bytes, count: int) -> dict[int, int]:
    """Send so many requests over 32 connections; return how often each status came."""
    head = f"POST /predict HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: image/png\r\nContent-Length: {len(image)}"
    request = head.encode() + b"\r\n\r\n" + image
    left = iter(range(count))
    statuses: dict[int, int] = {}

    async def connection() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for _ in left:
            writer.write(request)
            answer = (await reader.readuntil(b"\r\n\r\n")).lower()
            await reader.readexactly(int(answer.split(b"content-length:")[1].split(b"\r")[0]))
            status = int(answer.split()[1])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    async with asyncio.timeout(300):
        await asyncio.gather(*(connection() for _ in range(CONNECTIONS)))
    return statuses
