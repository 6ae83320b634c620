"""Ten thousand requests."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from imgclf.runs import Run
from tests.serving.conftest import is_ready, wait_until

CONNECTIONS = 32
REQUESTS = 10_000
WARM_UP = 1_000
MEGABYTE = 1_000_000


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="memory is read from Linux's /proc")
def test_ten_thousand_requests_leave_nothing_behind(shapes_run: Run, circle: bytes, tmp_path: Path) -> None:
    """Thirty-two connections: no error, no growth in memory after the warm-up, an empty line at the end."""
    command = [sys.executable, "-m", "imgclf", "serve", "--run", str(shapes_run.path), "--port", "0"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    log = tmp_path / "log"
    with log.open("wb") as stderr:
        server = subprocess.Popen([*command, "--device", "cpu"], stderr=stderr, env=environment)
    try:
        wait_until(lambda: b"Serving at" in log.read_bytes() or server.poll() is not None)
        port = int(re.search(rb"127\.0\.0\.1:(\d+)", log.read_bytes())[1])  # type: ignore[index]
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=30) as client:
            wait_until(lambda: is_ready(client), 60)
            asyncio.run(_ask(port, circle, WARM_UP))
            before = _memory(server.pid)
            statuses = asyncio.run(_ask(port, circle, REQUESTS))
            after = _memory(server.pid)
            metrics = client.get("/metrics").text
        assert statuses == {200: REQUESTS}
        assert after - before < 10 * MEGABYTE, (before, after)
        assert "imgclf_queue_images 0.0" in metrics
        count = 'imgclf_requests_total{method="POST",route="/predict",status="200"}'
        assert f"{count} {float(WARM_UP + REQUESTS)}" in metrics
        server.terminate()
        assert server.wait(30) == 0
    finally:
        server.kill()
        server.wait()


def _memory(pid: int) -> int:
    """Return the bytes of memory that a process occupies."""
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return 1024 * int(re.search(r"VmRSS:\s+(\d+)", status)[1])  # type: ignore[index]


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
