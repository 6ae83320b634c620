"""What comes over the wire: sizes, slowness, framing, and clients that leave."""

import json
import socket
import time
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from imgclf.serving.settings import ServerSettings
from tests.bad_files import encoded, photo
from tests.serving.conftest import RunningServer, Start, wait_until


def _exchange(port: int, *pieces: bytes, pause: float = 0.0) -> bytes:
    """Send bytes as they are and read until the server closes."""
    with socket.create_connection(("127.0.0.1", port), timeout=15) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause)
        received = b""
        while chunk := line.recv(65536):
            received += chunk
    return received


def _head(*headers: str) -> bytes:
    lines = ["POST /predict HTTP/1.1", "Host: localhost", "Content-Type: image/png", *headers]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_too_large_by_its_header(client: httpx.Client) -> None:
    """The length alone is enough to refuse."""
    response = client.post("/predict", content=bytes(2_000_001), headers={"Content-Type": "image/png"})
    assert response.status_code == 413
    assert response.json()["error"].startswith("The body is larger than 2 MB")
    assert response.headers["connection"] == "close"


def test_too_large_as_it_comes(client: httpx.Client, server: RunningServer) -> None:
    """A chunked body has no length; its bytes are counted, and forgotten afterwards."""

    def chunks() -> object:
        for _ in range(30):
            yield bytes(100_000)

    response = client.post("/predict", content=chunks(), headers={"Content-Type": "image/png"})
    assert response.status_code == 413


def test_an_absurd_length_is_too_large(server: RunningServer) -> None:
    """Thousands of digits are no reason to fail."""
    reply = _exchange(server.port, _head(f"Content-Length: {'9' * 20}", "Expect: 100-continue"))
    assert b" 413 " in reply.split(b"\r\n")[0]


def test_length_and_chunks_together_are_refused(server: RunningServer) -> None:
    """Two lengths are how requests are smuggled."""
    reply = _exchange(
        server.port, _head("Content-Length: 3", "Transfer-Encoding: chunked") + b"3\r\nabc\r\n0\r\n\r\n"
    )
    assert b" 400 " in reply.split(b"\r\n")[0]
    assert b"Send one of them" in reply


def test_a_slow_body_is_given_up(server: RunningServer) -> None:
    """Its deadline does not begin anew with each byte."""
    reply = _exchange(server.port, _head("Content-Length: 10"), b"a", b"b", b"c", b"d", pause=0.5)
    assert b" 408 " in reply.split(b"\r\n")[0]
    error = json.loads(reply.split(b"\r\n\r\n", 1)[1])
    assert "did not arrive within 1.5 seconds" in error["error"]


@pytest.mark.parametrize("beginning", [b"", b"POST /predict HT"])
def test_slow_headers_are_given_up(server: RunningServer, beginning: bytes) -> None:
    """A connection that says nothing, or not enough, is closed with 408."""
    reply = _exchange(server.port, beginning)
    assert b" 408 " in reply.split(b"\r\n")[0]
    assert json.loads(reply.split(b"\r\n\r\n", 1)[1])["code"] == "request_timeout"


def test_garbage_is_refused(server: RunningServer) -> None:
    """What is no HTTP gets 400."""
    assert b" 400 " in _exchange(server.port, b"\x16\x03\x01 hello\r\n\r\n").split(b"\r\n")[0]


def test_leaving_in_mid_body_does_no_harm(server: RunningServer, client: httpx.Client, circle: bytes) -> None:
    """The server forgets the half request."""
    for _ in range(20):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(_head("Content-Length: 1000") + b"abc")
    assert client.post("/predict", files={"file": circle}).status_code == 200
    wait_until(lambda: server.service.queue == 0)


def test_cancelled_requests_leave_the_line(
    server: RunningServer, client: httpx.Client, circle: bytes
) -> None:
    """Two hundred clients ask and hang up; the line empties and the next one is served."""
    request = _head(f"Content-Length: {len(circle)}") + circle
    for _ in range(200):
        with socket.create_connection(("127.0.0.1", server.port)) as line:
            line.sendall(request)
    wait_until(lambda: server.service.queue == 0)
    assert client.post("/predict", files={"file": circle}).status_code == 200


def test_a_full_line_is_told_with_retry_after(start: Start, circle: bytes) -> None:
    """One place in the line and a batch of 64: 503, when to come back, and nothing is left behind."""
    with start(queue_images=1) as server, server.client() as client:
        files = [("files", ("a.png", circle))] * 64
        response = client.post("/predict/batch", files=files)
        assert response.status_code == 503
        assert response.headers["retry-after"] == "1"
        assert "waiting already" in response.json()["error"]
        wait_until(lambda: server.service.queue == 0)
        assert client.post("/predict", files={"file": circle}).status_code == 200


def test_more_uploads_than_memory_are_told_with_retry_after(start: Start, photo_jpeg: bytes) -> None:
    """Bodies of all requests together are bounded too."""
    with start(queue_bytes=1000) as server, server.client() as client:
        response = client.post("/predict", files={"file": photo_jpeg})
        assert response.status_code == 503
        assert "holds as many uploads as it can" in response.json()["error"]


def test_a_deadline_that_passes_is_504(start: Start, photo_jpeg: bytes) -> None:
    """The answer is given up, and said so."""
    with start(deadline=0.0001) as server, server.client() as client:
        response = client.post("/predict", files={"file": photo_jpeg})
        assert response.status_code == 504
        assert "There was no answer within 0.0001 seconds" in response.json()["error"]


def test_many_at_once_all_get_their_own_answer(server: RunningServer, shapes: object) -> None:
    """Sixty requests over twelve connections: each answer is that of its own image."""
    paths = sorted(shapes.glob("test/*/*.png"))  # type: ignore[attr-defined]
    with server.client() as client:
        alone = {path: client.post("/predict", files={"file": path.read_bytes()}).json() for path in paths}

        def ask(number: int) -> bool:
            path = paths[number % len(paths)]
            answer = client.post("/predict", files={"file": path.read_bytes()}).json()
            return bool(answer["probabilities"] == pytest.approx(alone[path]["probabilities"], abs=1e-5))

        with ThreadPoolExecutor(12) as pool:
            assert all(pool.map(ask, range(60)))


@pytest.mark.parametrize("path", ["/..%2f..%2fetc/passwd", "/%00", "/predict/%00", "/static/../../x"])
def test_strange_addresses_are_not_found(client: httpx.Client, path: str) -> None:
    """No file is ever served, so there is nothing to break out of."""
    response = client.get(path)
    assert response.status_code == 404
    assert response.json()["error"].startswith("There is nothing at this address")


def test_ranges_and_wrong_methods(client: httpx.Client) -> None:
    """A thousand ranges change nothing; a wrong method is told."""
    ranges = ",".join(f"{number}-{number}" for number in range(1000))
    assert client.get("/classes", headers={"Range": f"bytes={ranges}"}).status_code == 200
    response = client.get("/predict")
    assert response.status_code == 405
    assert response.json()["error"].startswith("This address does not take that method")


@pytest.mark.parametrize(
    "path", ["/", "/health", "/ready", "/classes", "/model", "/metrics", "/v2", "/docs", "/openapi.json"]
)
def test_head_is_answered_wherever_get_is(client: httpx.Client, path: str) -> None:
    """The same status and kind, and no body."""
    get, head = client.get(path), client.head(path)
    assert (head.status_code, head.headers["content-type"]) == (200, get.headers["content-type"])
    assert head.content == b""
    assert head.headers["x-request-id"]


def test_head_is_counted_under_its_route_and_refused_where_get_is(client: httpx.Client) -> None:
    """`POST /predict` takes no HEAD; the metrics know it by its own name."""
    assert client.head("/predict").status_code == 405
    assert client.head("/nothing").status_code == 404
    client.head("/classes")
    assert 'imgclf_requests_total{method="HEAD",route="/classes",status="200"}' in client.get("/metrics").text


def test_a_computation_that_outlives_its_deadline_does_not_count_as_free(start: Start, circle: bytes) -> None:
    """Both workers read large images for longer than the deadline: unready, 503 at once, and ready again afterwards."""
    large = encoded(photo(6_900, 7_000), "PNG", compress_level=1)
    with start(deadline=0.3, max_body=200_000_000) as server, server.client() as client:
        with ThreadPoolExecutor(2) as pool:
            asked = [
                pool.submit(client.post, "/predict", content=large, headers={"Content-Type": "image/png"})
                for _ in range(2)
            ]
            assert {one.result().status_code for one in asked} == {504}
        unready = client.get("/ready")
        refused = client.post("/predict", files={"file": circle})
        assert (unready.status_code, refused.status_code) == (503, 503)
        assert unready.json()["error"] == refused.json()["error"]
        assert unready.json()["error"].startswith("All workers are still busy with images that took longer")
        assert client.get("/v2/health/ready").status_code == 503
        assert "imgclf_ready 0.0" in client.get("/metrics").text
        assert client.get("/health").status_code == 200
        wait_until(lambda: client.get("/ready").status_code == 200)
        assert client.post("/predict", files={"file": circle}).status_code == 200


def _closed_after(port: int, seconds: float) -> bool:
    """Say whether an idle connection, over which a request was answered, is closed within so many seconds."""
    with socket.create_connection(("127.0.0.1", port), timeout=seconds) as line:
        line.sendall(b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n")
        while b"uptime_seconds" not in line.recv(65536):
            pass
        try:
            return line.recv(1) == b""
        except TimeoutError:
            return False


def test_idle_connections_are_kept_for_longer_than_a_load_balancer_does(start: Start) -> None:
    """Above the 60 seconds of AWS and nginx by default; an option decides."""
    assert ServerSettings("model").keep_alive > 60
    with start(keep_alive=1) as server:
        assert _closed_after(server.port, 10)
    with start(keep_alive=60) as server:
        assert not _closed_after(server.port, 2)


def test_headers_that_stop_in_a_second_request_get_a_408_byte_for_byte(server: RunningServer) -> None:
    """The clock runs anew for each request of a connection, and the reply is the same."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=15) as line:
        line.sendall(b"GET /v2/health/live HTTP/1.1\r\nHost: localhost\r\n\r\n")
        first = b""
        while not first.endswith(b'{"live":true}'):
            first += line.recv(65536)
        line.sendall(b"POST /predict HTTP/1.1\r\nHost: local")
        rest = b""
        while chunk := line.recv(65536):
            rest += chunk
    body = b'{"error":"The request\'s headers did not arrive in time.","code":"request_timeout","status":408}'
    assert first.startswith(b"HTTP/1.1 200 OK\r\n")
    assert rest == (
        b"HTTP/1.1 408 Request Timeout\r\nContent-Type: application/json\r\nConnection: close\r\n"
        b"Content-Length: %d\r\n\r\n%s" % (len(body), body)
    )
