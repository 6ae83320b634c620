"""Maps over HTTP."""

import base64
from io import BytesIO

import httpx
import pytest
from PIL import Image

from tests.serving.conftest import Start


def test_json_has_the_prediction_and_a_picture(client: httpx.Client, circle: bytes) -> None:
    """The same answer as /predict, a map in [0, 1] and an overlay of the image's own size."""
    answer = client.post("/explain", files={"file": circle}).json()
    predicted = client.post("/predict", files={"file": circle}).json()
    assert answer["prediction"] == answer["class"] == predicted["prediction"]
    (one,) = answer["maps"]
    assert one["target"] == predicted["prediction"]
    assert one["method"] == "gradcam"
    values = [value for row in one["values"] for value in row]
    assert 0 <= min(values) <= max(values) <= 1
    prefix, text = one["overlay"].split(",")
    assert prefix == "data:image/png;base64"
    assert Image.open(BytesIO(base64.b64decode(text))).size == (32, 32)


def test_a_picture_alone(client: httpx.Client, photo_jpeg: bytes) -> None:
    """By the address or by the Accept header; opacity 0 shows only the image."""
    by_address = client.post("/explain?format=png&opacity=0", files={"file": photo_jpeg})
    by_header = client.post("/explain", files={"file": photo_jpeg}, headers={"Accept": "image/png"})
    for response in (by_address, by_header):
        assert response.headers["content-type"] == "image/png"
        assert Image.open(BytesIO(response.content)).size == (640, 480)
    assert by_address.content != by_header.content


def test_classes_layers_and_methods_can_be_chosen(client: httpx.Client, circle: bytes) -> None:
    """Two best classes, a layer from the end, another method."""
    asked = {"target": "top-2", "layer": "-2", "method": "eigencam"}
    maps = client.post("/explain", params=asked, files={"file": circle}).json()["maps"]
    assert len({one["target"] for one in maps}) == 2
    assert {one["method"] for one in maps} == {"eigencam"}


@pytest.mark.parametrize(
    ("asked", "says"),
    [
        ({"method": "gradcm"}, "Unknown method 'gradcm'. Did you mean 'gradcam'?"),
        ({"target": "hexagon"}, "The target 'hexagon' is none of"),
        ({"target": "true"}, "The server does not know what the image shows"),
        ({"layer": "999"}, "999"),
        ({"layer": ""}, "'layer' is '', but at least 1 character is expected. See /docs."),
        ({"opacity": "2"}, "'opacity' is '2', but it must be at most 1. See /docs."),
        ({"format": "gif"}, "'format' is 'gif', but 'json' or 'png' is expected. See /docs."),
        ({"method": "g" * 41}, "but at most 40 characters are expected. See /docs."),
        ({"metod": "gradcam"}, "There is no parameter 'metod'. Did you mean 'method'? The parameters here: "),
    ],
)
def test_what_cannot_be_chosen_is_refused(
    client: httpx.Client, circle: bytes, asked: dict[str, str], says: str
) -> None:
    """422, in a sentence."""
    response = client.post("/explain", params=asked, files={"file": circle})
    assert response.status_code == 422
    assert says in response.json()["error"]


def test_a_wrong_method_is_refused_before_it_waits(start: Start, circle: bytes) -> None:
    """Where there is time for no map at all, a wrong name still gets its sentence."""
    with start(deadline=0.0001) as server, server.client() as client:
        assert client.post("/explain", files={"file": circle}).status_code == 504
        response = client.post("/explain?method=gradcm", files={"file": circle})
        assert response.status_code == 422
        assert "Did you mean 'gradcam'?" in response.json()["error"]
        assert client.post("/explain?target=true", files={"file": circle}).status_code == 422


def test_a_bad_image_has_its_status_here_too(client: httpx.Client) -> None:
    """As at /predict."""
    response = client.post("/explain", files={"file": b"these are words"})
    assert (response.status_code, response.json()["code"]) == (415, "image_unsupported")


def test_a_map_that_takes_too_long_is_given_up(start: Start, circle: bytes) -> None:
    """504 with a hint at a faster method."""
    with start(deadline=0.001) as server, server.client() as client:
        response = client.post("/explain", params={"method": "scorecam"}, files={"file": circle})
        assert response.status_code == 504
        assert "Choose a faster method" in response.json()["error"]
