"""The documented requests of the five systems that imgclf replaces, as their clients sent them."""

import base64

import httpx

from tests.serving.conftest import Start

LABELS = {"circle", "square", "triangle"}


def test_system_a_posts_base64_and_reads_prediction(client: httpx.Client, circle: bytes) -> None:
    """``POST /predict`` with ``{"image": "<base64>"}``; Swagger at /docs, ReDoc at /redoc."""
    answer = client.post("/predict", json={"image": base64.b64encode(circle).decode()}).json()
    assert answer["prediction"] in LABELS
    assert client.get("/docs").status_code == client.get("/redoc").status_code == 200


def test_systems_b_and_c_send_a_file_with_http_basic(
    start: Start, circle: bytes, monkeypatch: object
) -> None:
    """Class and confidence behind a user name and a password that come from the environment."""
    monkeypatch.setenv("IMGCLF_USERNAME", "anna")  # type: ignore[attr-defined]
    monkeypatch.setenv("IMGCLF_PASSWORD", "wörd")  # type: ignore[attr-defined]
    with start() as server, server.client() as client:
        password = base64.b64encode("anna:wörd".encode()).decode()
        headers = {"Authorization": f"Basic {password}"}
        answer = client.post("/predict", files={"file": circle}, headers=headers).json()
        assert answer["class"] in LABELS
        assert 0 < answer["confidence"] <= 1
        assert client.get("/", headers=headers).json()["status"] == "ok"
        assert client.get("/health").json()["model_loaded"] is True
        assert client.post("/predict", files={"file": circle}).status_code == 401


def test_system_d_has_health_classes_predict_and_swagger(client: httpx.Client, circle: bytes) -> None:
    """``/health`` with status, model and device; ``/classes``; a form; base64; ``/swagger/``."""
    health = client.get("/health").json()
    assert (health["status"], health["model_loaded"], health["device"]) == ("ok", True, "cpu")
    assert set(client.get("/classes").json()["classes"]) == LABELS
    answer = client.post("/predict", files={"file": ("a.png", circle)}).json()
    assert answer["class"] in LABELS
    assert set(answer["probabilities"]) == LABELS
    encoded = {"image": base64.b64encode(circle).decode()}
    assert client.post("/predict_base64", json=encoded).json()["class"] == answer["class"]
    assert client.get("/swagger/").status_code == 200


def test_system_d_may_be_called_from_a_page_that_was_named(start: Start) -> None:
    """CORS is off unless an origin is named."""
    origin = {"Origin": "https://page.example"}
    with start(cors_origins=("https://page.example",)) as server, server.client() as client:
        response = client.get("/classes", headers=origin)
        assert response.headers["access-control-allow-origin"] == "https://page.example"
        asked = client.options("/predict", headers={**origin, "Access-Control-Request-Method": "POST"})
        assert asked.status_code == 200


def test_cors_is_off_by_default(client: httpx.Client) -> None:
    """No header lets another page read the answer."""
    response = client.get("/classes", headers={"Origin": "https://page.example"})
    assert "access-control-allow-origin" not in response.headers


def test_system_e_lists_at_most_as_many_classes_as_asked(client: httpx.Client, circle: bytes) -> None:
    """How many top classes is the caller's choice."""
    answer = client.post("/predict", params={"top_k": 2}, files={"file": circle}).json()
    assert len(answer["top_k"]) == 2
