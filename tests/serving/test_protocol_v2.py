"""The Open Inference Protocol: with Triton's own client where it is installed, and by hand."""

import base64
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest

from imgclf.inference import Predictor
from imgclf.runs import Run
from tests.serving.conftest import RunningServer


@pytest.fixture
def triton(server: RunningServer) -> Iterator[Any]:
    """Triton's own client of the shared server."""
    http = pytest.importorskip("tritonclient.http")
    client = http.InferenceServerClient(server.url.removeprefix("http://"))
    yield client
    client.close()


def _image(content: bytes) -> Any:
    from tritonclient.http import InferInput

    image = InferInput("image", [1], "BYTES")
    image.set_data_from_numpy(np.array([content], dtype=object))
    return image


def _input(**changes: object) -> dict[str, object]:
    return {"inputs": [{"name": "image", "datatype": "BYTES", "shape": [1], "data": ["AAAA"], **changes}]}


def test_tritons_client_gets_the_predictors_answers(
    server: RunningServer, circle: bytes, shapes_run: Run
) -> None:
    """Health, metadata, encoded images and pixels, all in Triton's binary form."""
    triton = pytest.importorskip("tritonclient.http")
    predictor = Predictor.open(shapes_run.path, device="cpu")
    pixels = predictor.prepare(circle).pixels
    assert pixels is not None
    expected = predictor.probabilities(pixels[None])
    client = triton.InferenceServerClient(server.url.removeprefix("http://"))
    try:
        assert client.is_server_live()
        assert client.is_server_ready()
        assert client.is_model_ready("default")
        assert client.get_model_metadata("default")["outputs"][0]["shape"] == [-1, 3]
        images = triton.InferInput("image", [2], "BYTES")
        images.set_data_from_numpy(np.array([circle, circle], dtype=object))
        raw = triton.InferInput("pixels", [1, *pixels.shape], "UINT8")
        raw.set_data_from_numpy(pixels[None])
        by_image = client.infer("default", [images])
        by_pixels = client.infer("default", [raw], outputs=[triton.InferRequestedOutput("probabilities")])
    finally:
        client.close()
    assert by_image.as_numpy("probabilities") == pytest.approx(np.repeat(expected, 2, axis=0), abs=1e-5)
    assert by_image.as_numpy("label").shape == (2,)
    assert by_pixels.as_numpy("probabilities") == pytest.approx(expected, abs=1e-5)
    assert by_pixels.as_numpy("label") is None


def test_json_tensors(client: httpx.Client, circle: bytes, shapes_run: Run) -> None:
    """Base64 images and nested pixels in plain JSON."""
    text = base64.b64encode(circle).decode()
    by_image = client.post(
        f"/v2/models/{shapes_run.name}/versions/1/infer", json={"id": "7", **_input(data=[text])}
    ).json()
    assert by_image["id"] == "7"
    assert [output["name"] for output in by_image["outputs"]] == ["probabilities", "label"]
    pixels = np.zeros((1, 32, 32, 3), int).tolist()
    answer = client.post(
        "/v2/models/default/infer",
        json=_input(name="pixels", datatype="UINT8", shape=[1, 32, 32, 3], data=pixels),
    )
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("body", "status", "says"),
    [
        ({"inputs": []}, 422, "The request has 0 inputs"),
        (_input(name="tensor"), 422, "The input 'tensor' of type BYTES is unknown"),
        (_input(data=None), 422, "The input 'image' has no data"),
        (_input(shape=[-1]), 422, "The shape of 'image' is impossible"),
        (_input(shape=[2]), 422, "'image' has 1 elements, but its shape says 2"),
        (_input(data=[7]), 422, "In JSON, images are base64"),
        (_input(shape=[65], data=["AAAA"] * 65), 422, "The request has 65 images, but 1 to 64"),
        (_input(shape=[0], data=[]), 422, "The request has 0 images"),
        (_input(), 400, "Image 0: The image holds 3 bytes"),
        (_input(parameters={"binary_data_size": 9}), 400, "'image' announces 9 bytes, but 0 came"),
        ({**_input(), "outputs": [{"name": "mask"}]}, 422, "There is no output 'mask'"),
        (_input(name="pixels", datatype="UINT8", shape=[3], data=[1, 2, 3]), 422, "has 1 dimensions"),
        (
            _input(name="pixels", datatype="UINT8", shape=[1, 1, 1, 1], data=[1]),
            422,
            "[N, 32, 32, 3] is expected",
        ),
        (_input(name="pixels", datatype="UINT8", shape=[1, 1, 1, 3], data=[1]), 422, "has 1 values, but"),
        (_input(name="pixels", datatype="UINT8", shape=[1, 1, 1, 1], data=[256]), 422, "from 0 to 255"),
        (_input(name="pixels", datatype="UINT8", shape=[1, 1, 1, 1], data=["x"]), 422, "from 0 to 255"),
    ],
)
def test_malformed_tensors_are_refused(
    client: httpx.Client, body: dict[str, object], status: int, says: str
) -> None:
    """Each in a sentence."""
    response = client.post("/v2/models/default/infer", json=body)
    assert response.status_code == status, response.text
    assert says in response.json()["error"]


def test_binary_tensors_that_do_not_fit_are_refused(client: httpx.Client) -> None:
    """A wrong header length, and an element longer than what is left."""
    wrong = client.post(
        "/v2/models/default/infer", content=b"{}", headers={"Inference-Header-Content-Length": "x"}
    )
    assert "Inference-Header-Content-Length is not a number" in wrong.json()["error"]
    head = b'{"inputs":[{"name":"image","datatype":"BYTES","shape":[1],"parameters":{"binary_data_size":6}}]}'
    cut = client.post(
        "/v2/models/default/infer",
        content=head + b"\xff\x00\x00\x00ab",
        headers={"Inference-Header-Content-Length": str(len(head))},
    )
    assert "'image' is cut short" in cut.json()["error"]


def test_unknown_models_are_not_found(client: httpx.Client) -> None:
    """The one there is, is named."""
    response = client.get("/v2/models/resnet")
    assert response.status_code == 404
    assert "There is no model 'resnet' here. This server has '" in response.json()["error"]
    assert "no version '9'" in client.get("/v2/models/default/versions/9").json()["error"]


def test_texts_come_as_bytes_where_triton_asks_for_binary(triton: Any, circle: bytes) -> None:
    """As its examples do it: `.decode()` works on a label, whether the client names outputs or not."""
    from tritonclient.http import InferRequestedOutput

    named = triton.infer(
        "default", [_image(circle)], outputs=[InferRequestedOutput("label", binary_data=True)]
    )
    everything = triton.infer("default", [_image(circle)])
    as_json = triton.infer(
        "default", [_image(circle)], outputs=[InferRequestedOutput("label", binary_data=False)]
    )
    assert named.as_numpy("label")[0].decode() in ("circle", "square", "triangle")
    assert named.get_output("label")["parameters"] == {
        "binary_data_size": 4 + len(named.as_numpy("label")[0])
    }
    assert everything.as_numpy("label")[0] == named.as_numpy("label")[0]
    assert everything.as_numpy("probabilities").dtype == np.float32
    assert as_json.get_output("label")["data"] == [named.as_numpy("label")[0].decode()]


def test_classification_lists_the_best_classes(triton: Any, circle: bytes) -> None:
    """As `value:index:name`, best first; more than there are lists all of them."""
    from tritonclient.http import InferRequestedOutput

    values = triton.infer("default", [_image(circle)]).as_numpy("probabilities")[0]
    for count, rows in ((2, 2), (9, 3)):
        asked = InferRequestedOutput("probabilities", class_count=count)
        given = triton.infer("default", [_image(circle)], outputs=[asked]).as_numpy("probabilities")
        assert given.shape == (1, rows)
        best = int(values.argmax())
        value, index, name = given[0, 0].decode().split(":")
        assert (int(index), name) == (best, ("circle", "square", "triangle")[best])
        assert float(value) == pytest.approx(values[best], abs=1e-6)


@pytest.mark.parametrize(
    ("output", "says"),
    [
        (
            {"name": "label", "parameters": {"classification": 2}},
            "'label' has no classes to choose from. Ask for the classification of 'probabilities'.",
        ),
        (
            {"name": "label", "parameters": {"shared_memory_region": "here"}},
            "'label' is wanted in shared memory, which this server does not use. Leave that out.",
        ),
    ],
)
def test_what_an_output_cannot_be_is_refused(
    client: httpx.Client, circle: bytes, output: dict[str, object], says: str
) -> None:
    """Each in a sentence, and never answered as if it had not been asked for."""
    body = {**_input(data=[base64.b64encode(circle).decode()]), "outputs": [output]}
    response = client.post("/v2/models/default/infer", json=body)
    assert (response.status_code, response.json()["error"]) == (422, says)


def test_raw_requests_are_one_image_and_nothing_else(
    client: httpx.Client, circle: bytes, photo_jpeg: bytes
) -> None:
    """A JSON of no bytes, then the file; the answer is binary, and Triton's client reads it."""
    http = pytest.importorskip("tritonclient.http")
    headers = {"Inference-Header-Content-Length": "0", "Content-Type": "application/octet-stream"}
    for content in (circle, photo_jpeg):
        response = client.post("/v2/models/default/infer", content=content, headers=headers)
        length = int(response.headers["Inference-Header-Content-Length"])
        result = http.InferenceServerClient.parse_response_body(response.content, header_length=length)
        plain = client.post("/predict", content=content, headers={"Content-Type": "image/png"}).json()
        assert result.as_numpy("label")[0].decode() == plain["prediction"]
        assert result.as_numpy("probabilities")[0].max() == pytest.approx(plain["confidence"], abs=1e-6)
    nothing = client.post("/v2/models/default/infer", content=b"", headers=headers)
    assert nothing.status_code == 400
    assert nothing.json()["error"] == "Image 0: The image is empty (0 bytes)."


def test_the_extensions_are_announced(triton: Any) -> None:
    """Those that the tests above use, and no other."""
    assert triton.get_server_metadata()["extensions"] == ["binary_tensor_data", "classification"]
