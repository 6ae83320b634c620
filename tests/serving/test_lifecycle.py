"""From loading to the end, and a new model in between."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path

import httpx
import pytest

from imgclf.errors import RunError, UsageError
from imgclf.runs import Run, read_header, update_header
from imgclf.serving.server import bind, serve
from imgclf.serving.settings import ServerSettings
from tests.serving.conftest import Start, is_ready, wait_until


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("options", [[], pytest.param(["--workers", "2"], marks=pytest.mark.slow)])
def test_sigterm_under_load_answers_all_and_exits_0(
    shapes_run: Run, photo_jpeg: bytes, options: list[str]
) -> None:
    """Thirty-two requests are under way when the signal comes: all that were accepted are answered."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "imgclf", "serve", "--run", str(shapes_run.path), "--port", str(port)]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    started = subprocess.Popen(
        [*command, "--device", "cpu", *options], stderr=subprocess.PIPE, text=True, env=environment
    )
    client = httpx.Client(base_url=url, trust_env=False, timeout=60, limits=httpx.Limits(max_connections=64))
    try:
        wait_until(lambda: is_ready(client) or started.poll() is not None, 60)
        files = [("files", photo_jpeg)] * 4

        def ask(_: int) -> int:
            return client.post("/predict/batch", files=files).status_code

        with ThreadPoolExecutor(32) as pool:
            statuses = [pool.submit(ask, number) for number in range(32)]
            wait_until(lambda: any(status.done() for status in statuses), 60)
            time.sleep(0.05)
            started.send_signal(signal.SIGTERM)
            outcomes = [status.exception() or status.result() for status in statuses]
        assert started.wait(60) == 0
        assert [outcome for outcome in outcomes if outcome != 200] == []
    finally:
        client.close()
        started.kill()
        errors = started.communicate()[1]
    assert "Traceback" not in errors, errors
    assert f"Serving at {url}" in errors


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_while_the_model_loads_ends_the_loading(shapes_run: Run, number: signal.Signals) -> None:
    """At once and with exit code 0: nothing is under way that could be lost."""
    command = [sys.executable, "-m", "imgclf", "serve", "--run", str(shapes_run.path), "--port", "0"]
    started = subprocess.Popen([*command, "--device", "cpu"], stderr=subprocess.PIPE, text=True)
    assert started.stderr is not None
    while "Loading" not in started.stderr.readline():
        assert started.poll() is None
    started.send_signal(number)
    errors = started.communicate(timeout=60)[1]
    assert started.returncode == 0
    assert "Stopped while the model was loading" in errors
    assert "Ready" not in errors
    assert "Traceback" not in errors


def test_a_changed_model_file_is_swapped_and_a_bad_one_is_not(
    start: Start, circle: bytes, shapes_run: Run, tmp_path: Path
) -> None:
    """The new threshold counts at once; then garbage comes, and the good model goes on."""
    file = Path(shutil.copy(shapes_run.model_file, tmp_path / "model.safetensors"))
    with start(model=file, reload_model=True, log_dir=tmp_path / "logs") as server, server.client() as client:
        before = client.get("/health").json()["model"]
        header = read_header(file)
        update_header(file, type(header)(**{**vars(header), "threshold": 1.0}))
        wait_until(lambda: client.get("/health").json()["model"] != before)
        assert client.post("/predict", files={"file": circle}).json()["prediction"] == "unknown"
        after = client.get("/health").json()["model"]
        file.write_bytes(b"garbage")
        log = next((tmp_path / "logs").glob("*.log"))
        wait_until(lambda: "cannot be served" in log.read_text(encoding="utf-8"))
        assert client.post("/predict", files={"file": circle}).json()["model"] == after


@pytest.mark.slow
def test_processes_count_together_and_all_take_the_new_model(
    shapes_run: Run, circle: bytes, tmp_path: Path
) -> None:
    """Whichever of two processes is asked, /metrics has the sum of both; a changed model reaches both."""
    file = Path(shutil.copy(shapes_run.model_file, tmp_path / "model.safetensors"))
    port = _free_port()
    command = [sys.executable, "-m", "imgclf", "serve", "--model-file", str(file), "--port", str(port)]
    started = subprocess.Popen(
        [*command, "--device", "cpu", "--workers", "2", "--reload-model"],
        stderr=subprocess.DEVNULL,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        start_new_session=True,
    )
    # Each request has a connection of its own, so that either process may take it.
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        trust_env=False,
        timeout=60,
        limits=httpx.Limits(max_keepalive_connections=0),
    )

    def served() -> set[str]:
        return {client.get("/health").json()["model"] for _ in range(20)}

    try:
        wait_until(lambda: is_ready(client) or started.poll() is not None, 60)
        with ThreadPoolExecutor(8) as pool:
            replies = list(pool.map(lambda _: client.post("/predict", files={"file": circle}), range(40)))
        assert {reply.status_code for reply in replies} == {200}
        line = 'imgclf_requests_total{method="POST",route="/predict",status="200"} 40.0'
        wait_until(lambda: line in client.get("/metrics").text, 10)  # the last is counted after it was sent
        for _ in range(8):
            text = client.get("/metrics").text
            assert line in text
            assert "imgclf_queue_images 0.0" in text
        (before,) = served()
        header = read_header(file)
        update_header(file, type(header)(**{**vars(header), "threshold": 1.0}))
        wait_until(lambda: before not in served(), 60)
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
    finally:
        client.close()
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="children are read from Linux's /proc")
def test_a_killed_process_is_replaced_and_said(shapes_run: Run, circle: bytes, tmp_path: Path) -> None:
    """One of two is killed as the kernel does it when memory runs out: the other answers, and a new one comes."""
    port, log = _free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "imgclf", "serve", "--run", str(shapes_run.path), "--port", str(port)]
    with log.open("wb") as stderr:
        started = subprocess.Popen(
            [*command, "--device", "cpu", "--workers", "2"], stderr=stderr, start_new_session=True
        )
    client = httpx.Client(
        base_url=f"http://127.0.0.1:{port}",
        trust_env=False,
        timeout=60,
        limits=httpx.Limits(max_connections=1),
    )

    def workers() -> list[int]:
        """The server processes: children that have said that they are ready are among them."""
        children = Path(f"/proc/{started.pid}/task/{started.pid}/children").read_text(encoding="utf-8")
        return [
            int(pid) for pid in children.split() if b"spawn_main" in Path(f"/proc/{pid}/cmdline").read_bytes()
        ]

    try:
        wait_until(lambda: log.read_bytes().count(b" Ready: ") == 2 or started.poll() is not None, 120)
        victim, _ = workers()
        os.kill(victim, signal.SIGKILL)
        wait_until(lambda: log.read_bytes().count(b" Ready: ") == 3, 120)
        assert victim not in workers()
        assert len(workers()) == 2
        for _ in range(4):
            assert client.post("/predict", files={"file": circle}).status_code == 200
        assert (
            f"Process {victim} was ended by signal 9, from outside or because it no longer answered".encode()
            in log.read_bytes()
        )
        started.send_signal(signal.SIGTERM)
        assert started.wait(60) == 0
    finally:
        client.close()
        with suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGKILL)
        started.wait()


def test_a_model_that_cannot_be_read_ends_the_server_with_its_own_error(tmp_path: Path) -> None:
    """No traceback of the web server, but what is wrong with the file."""
    file = tmp_path / "model.safetensors"
    file.write_bytes(b"garbage")
    listener = bind("127.0.0.1", 0)
    with listener, pytest.raises(RunError, match="not a readable model file"):
        serve(ServerSettings(model=str(file)), listener)


@pytest.mark.slow
def test_processes_that_cannot_start_are_not_started_for_ever(tmp_path: Path) -> None:
    """The log has each one's reason in a line, and the command fails."""
    pytest.importorskip("onnxruntime")
    file = tmp_path / "model.onnx"
    file.write_bytes(b"garbage")
    command = [
        sys.executable,
        "-m",
        "imgclf",
        "serve",
        "--model-file",
        str(file),
        "--port",
        "0",
        "--workers",
        "2",
    ]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert ended.returncode != 0
    assert "Traceback" not in ended.stderr
    assert "The server cannot start" in ended.stderr
    assert "not a readable ONNX file" in ended.stderr
    assert "A server process could not start; the log above says why." in ended.stderr


def test_an_address_that_is_taken_is_told() -> None:
    """Before a model is loaded."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        with pytest.raises(UsageError, match=r"cannot listen on 127\.0\.0\.1, port \d+ \(.*--port 0"):
            bind("127.0.0.1", taken.getsockname()[1])


def test_settings_reach_worker_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """They go through the environment and come back equal."""
    monkeypatch.setenv("IMGCLF_SERVE_SETTINGS", "")
    settings = ServerSettings(model="m", keys_file=Path("k"), cors_origins=("a", "b"), deadline=1.5)
    settings.to_environment()
    assert ServerSettings.from_environment() == settings
