"""The page for people, over HTTP: who may see it, what of Gradio is reachable, what is answered."""

import base64
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from imgclf.errors import MissingExtraError
from imgclf.runs import Run
from imgclf.serving.http.credentials import add_key
from imgclf.serving.ui import check_installed
from tests.conftest import CliResult
from tests.serving.conftest import RunningServer, Start, running

pytest.importorskip("gradio", reason="needs the extra 'ui'")

CLASSIFY, EXPLAIN = 0, 1
NO_MAP = [False, "gradcam", "auto", "predicted", 0.5]


@pytest.fixture(scope="module")
def with_page(shapes_run: Run) -> Iterator[RunningServer]:
    """A server with a page and without keys, that takes half a megabyte at most."""
    with running(shapes_run.path, ui=True, max_body=500_000) as one:
        yield one


def picture(content: bytes, name: str = "a.png") -> dict[str, str]:
    """Return an image as the page sends it."""
    return {"name": name, "data": "data:image/png;base64," + base64.b64encode(content).decode()}


def ask(client: httpx.Client, function: int, *inputs: Any) -> list[str]:
    """Do what the page does when a person has done something."""
    body = {"data": inputs, "fn_index": function, "session_hash": "abc"}
    response = client.post("/ui/gradio_api/run/predict", json=body)
    assert response.status_code == 200, response.text
    data: list[str] = response.json()["data"]
    return data


def test_browsers_are_led_to_the_page_and_programs_are_not(with_page: RunningServer) -> None:
    """What a client accepts decides; the page's headers let nothing in from elsewhere, nor be framed."""
    with with_page.client() as client:
        led = client.get("/", headers={"Accept": "text/html,*/*;q=0.8"})
        assert (led.status_code, led.headers["location"]) == (307, "ui/")
        assert client.get("/ui").headers["location"] == "ui/"
        assert client.get("/").json()["name"] == "imgclf"
        page = client.get("/ui/")
        assert "circle" in page.text
        policy = page.headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "http" not in policy
        assert page.headers["x-frame-options"] == "DENY"
        asset = re.findall(r'src="\./(assets/[^"]+\.js)"', page.text)[0]
        assert client.get(f"/ui/{asset}").headers["cache-control"] == "private, max-age=86400"
        assert client.get("/favicon.ico").headers["content-type"] == "image/svg+xml"


def test_the_rest_of_gradio_cannot_be_reached(with_page: RunningServer) -> None:
    """Uploads, files, proxies, the queue and the configuration are 404, whatever Gradio would have said."""
    closed = [
        "gradio_api/upload",
        "gradio_api/file=/etc/passwd",
        "gradio_api/file=https://example.org/",
        "gradio_api/proxy=https://example.org/",
        "gradio_api/queue/join",
        "gradio_api/heartbeat/x",
        "config",
        "monitoring",
        "examples/10",
        "examples/-1",
        "errors/0",
    ]
    with with_page.client() as client:
        for path in closed:
            response = client.get(f"/ui/{path}")
            assert response.status_code == 404, path
            assert response.json()["code"] == "not_found"
            assert client.post(f"/ui/{path}", json={}).status_code == 404, path


def test_keys_and_rates_are_those_of_the_api(start: Start, circle: bytes, tmp_path: Path) -> None:
    """Without a key there is no page; with one its files are free and its questions are counted."""
    file = tmp_path / "keys.txt"
    key = add_key(file, "anna")
    with start(ui=True, keys_file=file, rate_limit=2) as server, server.client() as client:
        for path in ("/", "/ui", "/ui/", "/ui/examples/0", "/ui/theme.css"):
            assert client.get(path, headers={"Accept": "text/html"}).status_code == 401, path
        client.auth = ("anna", key)
        assert [client.get("/ui/theme.css").status_code for _ in range(5)] == [200] * 5
        said = [ask(client, CLASSIFY, picture(circle), 2, *NO_MAP) for _ in range(2)]
        assert "-H 'X-API-Key: YOUR_KEY'" in said[0][1]
        assert 'headers = {"X-API-Key": "YOUR_KEY"}' in said[0][2]
        refused = client.post("/ui/gradio_api/run/predict", json={})
        assert refused.status_code == 429
        assert refused.json()["error"].startswith("More than 2 requests a minute.")


def test_answers_are_those_of_the_api(with_page: RunningServer, circle: bytes) -> None:
    """The page shows the same confidence, asks the same line of images, and leaves the label in the log."""
    with with_page.client() as client:
        api = client.post("/predict?top_k=2", files={"file": circle}).json()
        answer, _, _ = ask(client, CLASSIFY, picture(circle), 2, *NO_MAP)
        assert f"<b>{api['prediction']}</b><span>{100 * api['confidence']:.1f} %</span>" in answer
        assert answer.count("<li>") == 2
        counted = client.get("/metrics").text
    assert 'route="/ui/",status="200"' in counted


def test_what_goes_wrong_is_a_sentence(with_page: RunningServer, start: Start, circle: bytes) -> None:
    """Not an image, an empty one, a damaged one, too large, too slow, or nothing chosen: never a traceback."""
    too_large = picture(bytes(500_001))
    with with_page.client() as client:
        sentences = {
            "Choose an image, and the answer will be here.": ask(client, CLASSIFY, None, 3, *NO_MAP),
            "The image is a PDF document; JPEG, PNG": ask(
                client, CLASSIFY, picture(b"%PDF-1.4 " * 9), 3, *NO_MAP
            ),
            "The image is empty (0 bytes).": ask(client, CLASSIFY, picture(b""), 3, *NO_MAP),
            "The image has 0.5 MB, and 0.5 MB are the most": ask(client, CLASSIFY, too_large, 3, *NO_MAP),
            "Choose an image first.": ask(client, EXPLAIN, None, 3, True, *NO_MAP[1:]),
            "The image is damaged": ask(client, EXPLAIN, picture(circle[:90]), 3, True, *NO_MAP[1:]),
        }
        huge = client.post("/ui/gradio_api/run/predict", content=bytes(800_000))
        assert huge.status_code == 413
    with start(ui=True, deadline=1e-6) as server, server.client() as client:
        sentences["There was no answer within 1e-06 seconds."] = ask(
            client, CLASSIFY, picture(circle), 3, *NO_MAP
        )
    for sentence, said in sentences.items():
        assert sentence in said[0], said[0]
        assert "Traceback" not in said[0]


def test_a_defect_is_in_the_log_only(start: Start, circle: bytes, tmp_path: Path) -> None:
    """A page that was changed by hand gets the request's id, and the log its traceback."""
    with start(ui=True, log_dir=tmp_path / "logs") as server, server.client() as client:
        said = ask(client, EXPLAIN, picture(circle), 3, True, "gradcam", None, "predicted", 0.5)[0]
    request = re.search(r"under the request id (\w+)\.", said)
    assert request is not None
    (log,) = (tmp_path / "logs").iterdir()
    lines = log.read_text(encoding="utf-8")
    assert request[1] in lines
    assert "AttributeError" in lines


def test_names_are_shown_and_never_run() -> None:
    """Classes are whatever folders are called."""
    from imgclf.runs.kept_images import KeptImage
    from imgclf.serving.api.schemas import ClassScore, PredictionResponse, Timings
    from imgclf.serving.ui import fragments

    name = "<script>alert('x')</script>"
    given = PredictionResponse(
        prediction="unknown",
        class_="unknown",
        confidence=0.99999,
        probabilities={name: 1.0},
        top_k=[ClassScore(label=name, confidence=0.99999)],
        request_id="1",
        model="m",
        timings=Timings(queue_ms=0, decode_ms=0, inference_ms=0, total_ms=0),
    )
    shown = fragments.prediction(given)
    assert "less sure than it must be" in shown
    assert "99.9 %" in shown
    told = [fragments.percent(value) for value in (0, 0.0004, 0.5, 0.9999, 1)]
    assert told == ["0.0 %", "< 0.1 %", "50.0 %", "99.9 %", "100.0 %"]
    cards = fragments.error_cards([(0, (KeptImage(Path("a.png"), name, name, name, 0.5), ""))])
    for html in (shown, cards, fragments.problem(name), fragments.table({name: name})):
        assert "<script" not in html
        assert "&lt;script&gt;" in html


@pytest.mark.parametrize("with_map", [False, True])
def test_the_calls_that_are_shown_do_what_they_say(
    with_page: RunningServer, circle: bytes, tmp_path: Path, with_map: bool
) -> None:
    """Copied into a shell or into Python, for an image with an awkward name, they come to the same answer."""
    pytest.importorskip("requests")
    name = 'it\'s "a" circle, 100%; really.png'
    (tmp_path / name).write_bytes(circle)
    shown = [with_map, "gradcam", "auto", "circle", 0.25]
    with with_page.client() as client:
        expected = client.post("/predict", files={"file": circle}).json()["prediction"]
        _, curl, python = ask(client, CLASSIFY, picture(circle, name), 2, *shown)
    for command in (["sh", "-ec", curl], [sys.executable, "-W", "ignore", "-c", python]):
        ended = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=60)
        assert ended.returncode == 0, ended.stderr
        assert expected in ended.stdout
        map_file = tmp_path / "map.png"
        assert map_file.exists() == with_map
        if with_map:
            assert map_file.read_bytes().startswith(b"\x89PNG")
            map_file.unlink()


def test_without_gradio_one_sentence_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, run_cli: Callable[..., CliResult], shapes_run: Run
) -> None:
    """Before a model is loaded or a port is taken."""
    monkeypatch.setitem(sys.modules, "gradio", None)
    sentence = "The page (--ui) needs the extra 'ui'. Install it with: pip install 'imgclf[ui]'"
    with pytest.raises(MissingExtraError, match=re.escape(sentence)):
        check_installed()
    result = run_cli("serve", "--ui", "--run", shapes_run.path)
    assert result.code == 1
    assert sentence in result.err


def test_the_page_needs_no_session(with_page: RunningServer) -> None:
    """Any worker process can answer: no event goes through a queue, and nothing keeps a connection open."""
    with with_page.client() as client:
        text = re.search(r"window\.gradio_config = (\{.*?\});</script>", client.get("/ui/").text)
    assert text is not None
    config = json.loads(text[1])
    assert {event["queue"] for event in config["dependencies"]} == {False}
    assert config["connect_heartbeat"] is False
    assert config["analytics_enabled"] is False
