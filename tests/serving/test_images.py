"""What the server says of images, however they are sent."""

import base64
from pathlib import Path

import httpx
import pytest

from imgclf.inference import Predictor
from imgclf.runs import Run
from tests.bad_files import make_bad_files
from tests.serving.conftest import RunningServer


def test_every_way_of_sending_gives_the_same_answer_as_predict(
    client: httpx.Client, circle: bytes, shapes_run: Run
) -> None:
    """A form, a raw body, base64, a data URL and the older endpoint agree with the Python API."""
    text = base64.b64encode(circle).decode()
    responses = [
        client.post("/predict", files={"file": ("a.png", circle, "image/png")}),
        client.post("/predict", files={"image": circle}),
        client.post("/predict", content=circle, headers={"Content-Type": "image/png"}),
        client.post("/predict", content=circle, headers={"Content-Type": "application/octet-stream"}),
        client.post("/predict", json={"image": text}),
        client.post("/predict", json={"image": f"data:image/png;base64,{text}"}),
        client.post("/predict_base64", json={"image": text}),
        client.post("/predict", json={"image": base64.urlsafe_b64encode(circle).decode().rstrip("=")}),
    ]
    expected = Predictor.open(shapes_run.path, device="cpu").predict(circle)[0]
    for response in responses:
        answer = response.json()
        assert response.status_code == 200, answer
        assert answer["prediction"] == answer["class"] == expected.label
        assert answer["confidence"] == pytest.approx(expected.confidence, abs=1e-5)
        assert answer["probabilities"] == pytest.approx(dict(expected.probabilities), abs=1e-5)
        assert [one["label"] for one in answer["top_k"]] == [label for label, _ in expected.top_k]
        assert answer["request_id"] == response.headers["x-request-id"]
        assert set(answer["timings"]) == {"queue_ms", "decode_ms", "inference_ms", "total_ms"}


def test_options_may_come_in_the_address_the_form_or_the_json(client: httpx.Client, circle: bytes) -> None:
    """top_k and threshold are read wherever they stand; more classes than there are lists all."""
    text = base64.b64encode(circle).decode()
    by_address = client.post("/predict?top_k=1&threshold=1", files={"file": circle}).json()
    by_form = client.post("/predict", files={"file": circle}, data={"top_k": "1", "threshold": "1"}).json()
    by_json = client.post("/predict", json={"image": text, "top_k": 1, "threshold": 1.0}).json()
    for answer in (by_address, by_form, by_json):
        assert len(answer["top_k"]) == 1
        assert answer["prediction"] == "unknown"
    assert len(client.post("/predict?top_k=10", files={"file": circle}).json()["top_k"]) == 3


def test_every_bad_file_gets_the_status_and_the_sentence_of_the_contract(
    client: httpx.Client, server: RunningServer, tmp_path: Path
) -> None:
    """The whole collection, posted as it is: the right status, one shape of error, and the server lives on."""
    files = [bad for bad in make_bad_files(tmp_path / "bad") if bad.number < 51]
    for bad in files:
        response = client.post(
            "/predict", content=bad.path.read_bytes(), headers={"Content-Type": "image/jpeg"}
        )
        assert response.status_code == bad.status, (bad.path.name, response.text)
        if bad.kind is not None:
            error = response.json()
            assert set(error) == {"error", "detail", "code", "status", "request_id"}
            assert bad.says in error["error"], bad.path.name
            assert error["code"] == f"image_{bad.kind}"
            assert error["status"] == bad.status
    assert client.get("/ready").status_code == 200
    assert server.service.queue == 0


def test_one_poisoned_image_does_not_spoil_its_batch(client: httpx.Client, circle: bytes) -> None:
    """Seven answers and one error, in the order of the files."""
    contents = [circle] * 3 + [b"these are words"] + [circle] * 4
    files = [("files", (f"{index}.png", content)) for index, content in enumerate(contents)]
    answer = client.post("/predict/batch", files=files).json()
    assert [item["status"] for item in answer["predictions"]] == [200] * 3 + [415] + [200] * 4
    assert [item["file"] for item in answer["predictions"]] == [f"{index}.png" for index in range(8)]
    assert answer["predictions"][3]["error"].startswith("The image is a text file")
    assert answer["predictions"][3]["prediction"] is None
    assert {item["prediction"] for item in answer["predictions"] if item["status"] == 200} == {
        answer["predictions"][0]["prediction"]
    }


def test_a_batch_in_json_keeps_bad_base64_to_its_own_item(client: httpx.Client, circle: bytes) -> None:
    """One image is no base64, the other is answered."""
    text = base64.b64encode(circle).decode()
    answer = client.post("/predict/batch", json={"images": ["%%%", text]}).json()
    assert [item["status"] for item in answer["predictions"]] == [400, 200]
    assert "is not base64" in answer["predictions"][0]["error"]


@pytest.mark.parametrize(
    ("images", "says"),
    [([], "The list of images is empty"), (["AAAA"] * 65, "has 65 images, but 64 at once are the most")],
)
def test_a_batch_has_one_to_64_images(client: httpx.Client, images: list[str], says: str) -> None:
    """None and too many are refused."""
    response = client.post("/predict/batch", json={"images": images})
    assert response.status_code == 422
    assert says in response.json()["error"]


def test_embed_gives_the_features_of_the_predictor(
    client: httpx.Client, circle: bytes, shapes_run: Run
) -> None:
    """The same numbers as the Python API."""
    answer = client.post("/embed", files={"file": circle}).json()
    predictor = Predictor.open(shapes_run.path, device="cpu")
    pixels = predictor.prepare(circle).pixels
    assert pixels is not None
    assert answer["embedding"] == pytest.approx(predictor.embed(pixels[None])[0].tolist(), abs=1e-4)
    assert answer["dimensions"] == len(answer["embedding"])


def _json(text: str | bytes) -> dict[str, object]:
    return {"content": text, "headers": {"Content-Type": "application/json"}}


_FORM = "multipart/form-data; boundary=x"


@pytest.mark.parametrize(
    ("request_", "status", "says"),
    [
        (_json("{"), 400, "The body is not JSON (it breaks off or goes wrong in line 1, column 2)."),
        (_json("[" * 10_000 + "]" * 10_000), 400, "nested too deeply"),
        (_json('{"image": NaN}'), 400, "NaN is no JSON"),
        (_json('{"image": ' + "9" * 5_000 + "}"), 400, "(a number in it has too many digits)."),
        (_json(b'{"image": "\xff"}'), 400, "The body is not JSON (its text is not UTF-8)."),
        (_json("{}"), 422, "'image' is missing. See /docs."),
        (_json("[1]"), 422, "The body is a list, but an object is expected. See /docs."),
        (_json('{"image": 7}'), 422, "'image' is 7, but a text is expected. See /docs."),
        (_json('{"image": "%%%"}'), 400, "'image' is not base64"),
        (_json('{"image": "\\ud800"}'), 400, "is not"),
        (_json('{"image": ""}'), 400, "is empty (0 bytes)"),
        (_json('{"image": "data:image/png,AAAA"}'), 400, "is a data URL without ';base64,'"),
        (_json('{"image": "http://169.254.169.254/latest"}'), 400, "fetches nothing"),
        (_json('{"image": "file:///etc/passwd"}'), 400, "fetches nothing"),
        ({"files": [("a", b"1"), ("b", b"2")]}, 422, "The form has 2 files, but one is expected"),
        (
            {"files": [(f"f{index}", b"1") for index in range(1_000)]},
            400,
            "The form is malformed (it has too many files or fields).",
        ),
        ({"data": {"a": "b"}, "files": {"x": (None, b"1")}}, 422, "The form has no file"),
        (
            {"content": b"--x", "headers": {"Content-Type": "multipart/form-data"}},
            400,
            "(its Content-Type names no boundary).",
        ),
        ({"files": {"file": b"1"}, "data": {"a": "x" * 1_100_000}}, 400, "(one of its fields is too long)."),
        (
            {"content": b"nonsense --x--", "headers": {"Content-Type": _FORM}},
            400,
            "(its parts are not as its boundary says).",
        ),
        (
            {"files": {"file": b"1"}, "data": {"topk": "2"}},
            422,
            "There is no option 'topk'. Did you mean 'top_k'?",
        ),
        (
            _json('{"image": "", "treshold": 1}'),
            422,
            "There is no option 'treshold'. Did you mean 'threshold'?",
        ),
        (_json('{"image": "", "note": 1}'), 400, "is empty (0 bytes)"),
        ({"content": b"nonsense", "headers": {"Content-Type": _FORM}}, 400, "The form is malformed"),
        (
            {"content": b"a=b", "headers": {"Content-Type": "text/plain"}},
            415,
            "The Content-Type 'text/plain'",
        ),
        (
            {"files": {"file": b"1"}, "params": {"top_k": 0}},
            422,
            "'top_k' is '0', but it must be at least 1. See /docs.",
        ),
        (
            {"files": {"file": b"1"}, "params": {"top_k": -1}},
            422,
            "'top_k' is '-1', but it must be at least 1.",
        ),
        ({"files": {"file": b"1"}, "params": {"top_k": 10**9}}, 422, "but it must be at most 1000."),
        (
            {"files": {"file": b"1"}, "data": {"top_k": "many"}},
            422,
            "is 'many', but a whole number is expected.",
        ),
        (
            {"files": {"file": b"1"}, "params": {"threshold": "nan"}},
            422,
            "'threshold' is 'nan', but it must be",
        ),
        ({"content": b"x", "headers": {"Content-Encoding": "gzip"}}, 415, "The body is compressed (gzip)"),
    ],
)
def test_malformed_requests_are_refused_in_a_sentence(
    client: httpx.Client, request_: dict[str, object], status: int, says: str
) -> None:
    """Each has its status, and says what was expected."""
    response = client.post("/predict", **request_)
    assert response.status_code == status, response.text
    assert says in response.json()["error"]


def test_the_older_endpoint_wants_json(client: httpx.Client, circle: bytes) -> None:
    """A form at /predict_base64 is a mistake that is told."""
    response = client.post("/predict_base64", files={"file": circle})
    assert response.status_code == 415
    assert response.json()["error"].startswith("JSON is expected here")


def test_the_alphabet_for_addresses_is_base64_too(client: httpx.Client, photo_jpeg: bytes) -> None:
    """With `-` and `_` for `+` and `/`, with padding and without it."""
    plain, other = base64.b64encode(photo_jpeg).decode(), base64.urlsafe_b64encode(photo_jpeg).decode()
    assert {"-", "_"} <= set(other)
    given = [
        client.post("/predict", json={"image": text}).json()["probabilities"]
        for text in (plain, other, other.rstrip("="), plain.rstrip("="))
    ]
    assert given[1:] == given[:1] * 3
    assert (
        client.post("/predict", json={"image": "AAAAA"}).json()["error"].startswith("'image' is not base64.")
    )


def test_a_form_that_is_cut_short_is_malformed(client: httpx.Client, circle: bytes) -> None:
    """Wherever it is cut, 400: the file is not missing, the end of the form is."""
    form = (
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        + circle
        + b"\r\n--x--\r\n"
    )
    headers = {"Content-Type": _FORM}
    assert client.post("/predict", content=form, headers=headers).status_code == 200
    assert client.post("/predict", content=form.rstrip(), headers=headers).status_code == 200
    for length in (0, 4, 40, 90, len(form) - 20, len(form) - 5):
        response = client.post("/predict", content=form[:length], headers=headers)
        assert response.status_code == 400, (length, response.text)
        assert (
            "The form is malformed (it is cut short: the boundary that ends it is missing)" in response.text
        )


@pytest.mark.parametrize(
    "path", ["/predict", "/predict_base64", "/predict/batch", "/v2/models/default/infer"]
)
def test_unknown_parameters_are_refused_with_the_nearest_name(client: httpx.Client, path: str) -> None:
    """A word that nobody would look at is a mistake that is told."""
    response = client.post(f"{path}?topk=2", files={"file": b"1"})
    assert (response.status_code, response.json()["code"]) == (422, "invalid_value")
    here = (
        "The parameters here: version."
        if path.startswith("/v2")
        else "Did you mean 'top_k'? The parameters here: threshold, top_k."
    )
    assert (
        client.post("/embed?size=2", files={"file": b"1"})
        .json()["error"]
        .endswith("'size'. This address takes none.")
    )
    assert response.json()["error"] == f"There is no parameter 'topk'. {here}"
    assert client.get(f"/health?{'probe=1'}").status_code == 200


_LIBRARY_WORDS = (
    "Input should",
    "Field required",
    "Value error",
    "valid ",
    "[Errno",
    "type=",
    "does not fit",
)


@pytest.mark.parametrize("field", ["top_k", "threshold", "image", "images"])
@pytest.mark.parametrize("value", [None, True, 0, -1, 1.5, 1e9, "", "x" * 5_000, [], [7], {}, {"a": 1}])
def test_no_librarys_words_come_over_http(client: httpx.Client, field: str, value: object) -> None:
    """Every field of a body with values of every kind: a sentence of our own, and not megabytes of it."""
    for path, image in (("/predict", {"image": "AAAA"}), ("/predict/batch", {"images": ["AAAA"]})):
        response = client.post(path, json={**image, field: value})
        assert response.status_code < 500
        for word in _LIBRARY_WORDS:
            assert word not in response.text
        assert len(response.content) < 1_000


@pytest.mark.parametrize("name", ["top_k", "threshold", "method", "layer", "target", "opacity", "format"])
@pytest.mark.parametrize("value", ["", "x" * 5_000, "-1", "1.5", "nan", "1e400", "9" * 400, "null"])
def test_no_librarys_words_come_of_an_address(
    client: httpx.Client, circle: bytes, name: str, value: str
) -> None:
    """The same for every parameter."""
    path = "/predict" if name in ("top_k", "threshold") else "/explain"
    response = client.post(path, params={name: value}, files={"file": circle})
    assert response.status_code in (200, 422), response.text
    for word in _LIBRARY_WORDS:
        assert word not in response.json().get("error", "")
