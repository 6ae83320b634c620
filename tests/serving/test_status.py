"""What the server tells of itself: model, metrics, logs."""

import json
import re
from io import StringIO
from pathlib import Path

import httpx
import pytest

from imgclf.errors import UsageError
from imgclf.runs import Run, fingerprint
from imgclf.serving.http.logs import ServerLog
from imgclf.serving.http.tracing import Trace
from imgclf.serving.settings import ServerSettings
from tests.serving.conftest import Start, wait_until


def test_the_root_names_the_endpoints(client: httpx.Client) -> None:
    """A short JSON for programs; each address it names is in the API's description."""
    answer = client.get("/").json()
    described = client.get("/openapi.json").json()["paths"]
    assert answer["name"] == "imgclf"
    assert {name.split()[1] for name in answer["endpoints"]} - set(described) == {"/docs"}


def test_the_docs_load_nothing_from_elsewhere(client: httpx.Client) -> None:
    """Every script and style of the three pages is this server's own, and the browser is told to take no other."""
    for path in ("/docs", "/redoc", "/swagger", "/swagger/"):
        page = client.get(path)
        loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
        assert loaded
        assert {client.get(address).status_code for address in loaded} == {200}
        assert all(address.startswith("/") for address in loaded)
        assert page.headers["content-security-policy"].startswith("default-src 'self'")
    assert client.get("/docs/assets/../../../pyproject.toml").status_code == 404
    assert client.get("/docs/assets/..%2f..%2fcore.py").status_code == 404


def test_the_model_is_described_without_paths(client: httpx.Client, shapes_run: Run) -> None:
    """Architecture, preprocessing, metrics and fingerprint, but nothing of the machine."""
    response = client.get("/model")
    card = response.json()
    assert card["fingerprint"] == fingerprint(shapes_run.model_file)
    assert card["preprocessing"]["image_size"] == [32, 32]
    assert card["name"] == shapes_run.name
    assert str(shapes_run.path.parent) not in response.text


def test_metrics_are_prometheus_text(client: httpx.Client, circle: bytes) -> None:
    """Counters rise, and a stranger's method or path makes no series of its own."""
    client.post("/predict", files={"file": circle})
    client.request("BREW", "/coffee")
    text = client.get("/metrics").text
    assert 'imgclf_requests_total{method="POST",route="/predict",status="200"}' in text
    assert 'method="OTHER",route="unmatched"' in text
    assert "coffee" not in text
    assert "imgclf_queue_images 0.0" in text
    assert 'imgclf_model_info{architecture="' in text


def test_logs_go_to_a_file_a_day_and_old_ones_go(start: Start, circle: bytes, tmp_path: Path) -> None:
    """One line of JSON a request with id, status, timings and prediction; no query, no image."""
    folder = tmp_path / "logs"
    folder.mkdir()
    (folder / "2020-01-01.log").write_text("old")
    (folder / "notes.log").write_text("not ours")
    with start(log_dir=folder, log_format="json") as server, server.client() as client:
        client.post("/predict?top_k=2", files={"file": circle}, headers={"X-Request-ID": "one"})
        client.get("/nope", headers={"X-Request-ID": "two"})
        client.post("/predict?top_k=0", files={"file": circle}, headers={"X-Request-ID": "three"})
    (today,) = folder.glob("20??-??-??.log")
    lines = [json.loads(line) for line in today.read_text(encoding="utf-8").splitlines()]
    entry = next(line for line in lines if line.get("request_id") == "one")
    assert (entry["method"], entry["path"], entry["status"]) == ("POST", "/predict", 200)
    assert entry["prediction"][0] in ("circle", "square", "triangle")
    assert entry["timings"]["total_ms"] > 0
    reasons = {line["request_id"]: line["error"] for line in lines if "error" in line}
    assert reasons["two"].startswith("There is nothing at this address")
    assert reasons["three"].startswith("'top_k' is '0', but it must be at least 1.")
    assert "top_k=" not in today.read_text(encoding="utf-8")
    assert not (folder / "2020-01-01.log").exists()
    assert (folder / "notes.log").exists()


def test_a_log_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    """The sentence names the option."""
    (tmp_path / "file").write_text("")
    with pytest.raises(
        UsageError, match=r"logs cannot be written there .* Choose another folder with --log-dir"
    ):
        ServerLog(ServerSettings(model="m", log_dir=tmp_path / "file"))


def test_a_text_log_has_one_line_whatever_a_stranger_sends() -> None:
    """Line breaks are escaped; only a traceback, which is ours, has lines of its own."""
    stream = StringIO()
    log = ServerLog(ServerSettings(model="m"), stream)
    trace = Trace("id", "GET", "/a\n2026-01-01 fake line", 0.0)
    log.request(trace)
    assert stream.getvalue().count("\n") == 1
    trace.status, trace.error = 500, ValueError("broken")
    log.request(trace)
    assert "ValueError: broken" in stream.getvalue()


def test_a_defect_is_told_with_an_id_and_logged_with_its_traceback(
    start: Start, circle: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client learns the id under which the log has the details, and nothing else."""

    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a secret of the server")

    with start(log_dir=tmp_path) as server, server.client() as client:
        monkeypatch.setattr("imgclf.serving.model.batching.read_input", broken)
        response = client.post("/predict", files={"file": circle})
        assert response.status_code == 500
        assert response.json()["request_id"] in response.json()["error"]
        assert "secret" not in response.text
        batch = client.post("/predict/batch", files=[("files", circle)] * 2).json()
        assert [item["code"] for item in batch["predictions"]] == ["internal_error"] * 2
    text = next(tmp_path.glob("*.log")).read_text(encoding="utf-8")
    assert "ZeroDivisionError: a secret of the server" in text
    assert "Traceback" in text


def test_metrics_show_what_drifts(start: Start, circle: bytes) -> None:
    """The mix of classes, the share of unknown ones and the mean confidence, of every way to ask for a prediction."""
    with start() as server, server.client() as client:
        first = client.post("/predict", files={"file": circle}).json()
        client.post("/predict?threshold=1", files={"file": circle})
        client.post("/predict/batch", files=[("files", circle), ("files", b"no image at all")])
        raw = {"Inference-Header-Content-Length": "0"}
        client.post("/v2/models/default/infer", content=circle, headers=raw)
        client.post("/embed", files={"file": circle})
        wait_until(lambda: 'route="/embed"' in client.get("/metrics").text)
        lines = dict(
            line.rsplit(" ", 1) for line in client.get("/metrics").text.splitlines() if line[0] != "#"
        )
    label = first["prediction"]
    assert float(lines[f'imgclf_answers_total{{label="{label}"}}']) == 3
    assert float(lines['imgclf_answers_total{label="unknown"}']) == 1
    assert float(lines["imgclf_confidence_count"]) == 4
    assert float(lines["imgclf_confidence_sum"]) == pytest.approx(4 * first["confidence"], abs=1e-4)
