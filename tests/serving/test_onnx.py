"""An exported model is served without torch."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imgclf.inference import Predictor
from imgclf.runs import Run

_SCRIPT = """
import sys
for name in ("torch", "torchvision", "timm", "matplotlib", "sklearn", "scipy"):
    sys.modules[name] = None  # importing it fails
from starlette.testclient import TestClient
from imgclf.serving.app import create_app
from imgclf.serving.settings import ServerSettings
with TestClient(create_app(ServerSettings(model=sys.argv[1], ui=True))) as client:
    with open(sys.argv[2], "rb") as image:
        content = image.read()
    answer = client.post("/predict", files={"file": content}).json()
    refused = client.post("/explain", files={"file": content})
    print(client.get("/model").json()["backend"], answer["prediction"], refused.status_code)
    print(refused.json()["error"])
    print("This is an exported model, which shows no layers" in client.get("/ui/").text)
"""


_WITH_GRAPH = """
import sys
from starlette.testclient import TestClient
from imgclf.serving.app import create_app
from imgclf.serving.settings import ServerSettings
with TestClient(create_app(ServerSettings(model=sys.argv[1], device="cpu", runtime="onnx", deadline=5))) as client:
    with open(sys.argv[2], "rb") as image:
        content = image.read()
    answer = client.post("/predict", files={"file": content}).json()
    card = client.get("/model").json()
    print(card["backend"], card["precision"], answer["prediction"], "torch" in sys.modules)
    print(client.get("/metrics").status_code, client.post("/embed", files={"file": content}).status_code)
    print("torch" in sys.modules)
    explained = client.post("/explain", files={"file": content})
    print(explained.status_code, explained.json()["prediction"], "torch" in sys.modules)
"""


def test_a_run_is_served_without_torch_until_somebody_asks_for_a_map(shapes_run: Run, shapes: Path) -> None:
    """Its graph computes; the first map opens the network itself, and its deadline begins after that."""
    image = shapes / "test" / "circle" / "00.png"
    expected = Predictor.open(shapes_run.path, device="cpu", runtime="onnx").predict(image)[
        0
    ]  # makes the graph
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _WITH_GRAPH, str(shapes_run.path), str(image)],
        capture_output=True,
        text=True,
        timeout=180,
    )
    assert ended.returncode == 0, ended.stderr
    assert ended.stdout.splitlines() == [
        f"onnx fp32 {expected.label} False",
        "200 200",
        "False",
        f"200 {expected.label} True",
    ]
    assert "by onnx on cpu in fp32" in ended.stderr


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporters, about each other
def test_an_exported_model_is_served_without_torch(shapes_run: Run, shapes: Path, tmp_path: Path) -> None:
    """The same answer as the run's, from a process in which torch cannot be imported; maps are refused, and the page says so."""
    for extra in ("onnxruntime", "onnxscript", "gradio"):
        pytest.importorskip(extra)
    from imgclf.export.formats.onnx import Onnx
    from imgclf.export.job import ExportJob

    image = shapes / "test" / "circle" / "00.png"
    predictor = Predictor.open(shapes_run.path, device="cpu")
    pixels = predictor.prepare(image).pixels
    assert pixels is not None
    file = Onnx().write(ExportJob(predictor, tmp_path / "model.onnx", np.stack([pixels] * 2))).files[0]
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", _SCRIPT, str(file), str(image)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert ended.returncode == 0, ended.stderr
    told, sentence, on_page = ended.stdout.splitlines()
    assert told == f"onnx {predictor.predict(image)[0].label} 422"
    assert sentence.startswith("This server has an exported model")
    assert on_page == "True"
