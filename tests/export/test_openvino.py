"""Exporting to OpenVINO: two files, any batch size, the same predictions, without torch to run them."""

import json
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from imgclf.errors import MissingExtraError, RunError, UsageError
from imgclf.export.job import Exported, ExportJob
from imgclf.inference import Predictor

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporters, about each other

openvino = pytest.importorskip("openvino", reason="the extra 'openvino' is not installed")
from imgclf.export.formats.openvino import OpenVino  # noqa: E402


@pytest.fixture(scope="module")
def graph(model: Predictor, pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The run's model as OpenVINO's files."""
    return OpenVino().write(ExportJob(model, tmp_path_factory.mktemp("openvino") / "model.xml", pixels))


def test_files_and_predictions(graph: Exported, model: Predictor, pixels: np.ndarray) -> None:
    """Graph and weights, the header inside, and the run's own probabilities and features."""
    names = ["model.xml", "model.bin", "preprocess.json", "predict_openvino.py", "model.xml.parity.json"]
    assert [path.name for path in graph.files] == names
    assert sorted(path.name for path in graph.files[0].parent.iterdir()) == sorted(names)
    opened = Predictor.open(graph.files[0])
    assert opened.class_names == model.class_names
    assert (opened.backend.name, opened.device) == ("openvino", "cpu")
    np.testing.assert_allclose(opened.probabilities(pixels), model.probabilities(pixels), atol=1e-4)
    np.testing.assert_allclose(opened.embed(pixels[:3]), model.embed(pixels[:3]), atol=1e-3)


def test_threads_do_not_share_a_request(graph: Exported, model: Predictor, pixels: np.ndarray) -> None:
    """Eight threads at once, each with one computing thread, get the numbers of one alone."""
    opened, expected = Predictor.open(graph.files[0]), model.logits(pixels)

    def compute(place: int) -> np.ndarray:
        opened.limit_threads(1)
        return opened.logits(pixels[place : place + 1])

    with ThreadPoolExecutor(8) as pool:
        found = np.concatenate(list(pool.map(compute, range(len(pixels)))))
    np.testing.assert_allclose(found, expected, atol=1e-3)


def test_half_precision_is_asked_for(
    graph: Exported, model: Predictor, pixels: np.ndarray, tmp_path: Path
) -> None:
    """OpenVINO saves half precision by default; here only where it is asked for."""
    half = OpenVino().write(ExportJob(model, tmp_path / "half.xml", pixels, precision="fp16"))
    assert half.files[1].stat().st_size < 0.6 * graph.files[1].stat().st_size


def test_baked_preprocessing_and_script(
    model: Predictor, pixels: np.ndarray, images: list[Path], tmp_path: Path
) -> None:
    """The script predicts as the run does, from bytes too, and without torch or imgclf."""
    OpenVino().write(ExportJob(model, tmp_path / "model.xml", pixels, baked=True))
    blocked = (
        "import sys, runpy\n"
        "for name in ('torch', 'timm', 'imgclf', 'onnx', 'onnxruntime'):\n    sys.modules[name] = None\n"
        "sys.argv = sys.argv[1:]\nrunpy.run_path(sys.argv[0], run_name='__main__')"
    )
    command = [sys.executable, "-c", blocked, str(tmp_path / "predict_openvino.py"), str(images[0])]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ours = model.predict(images[:1])[0]
    found = json.loads(done.stdout)
    assert found["label"] == ours.label
    assert found["confidence"] == pytest.approx(ours.confidence, abs=1e-4)


def test_files_that_cannot_be_used_are_named(graph: Exported, tmp_path: Path) -> None:
    """Missing, broken, of somebody else, or for another device."""
    missing, broken, foreign = (tmp_path / f"{name}.xml" for name in ("missing", "broken", "foreign"))
    broken.write_text("no graph")
    shutil.copy(graph.files[1], foreign.with_suffix(".bin"))
    foreign.write_text(graph.files[0].read_text().replace("<imgclf ", "<other "))
    sentences = {
        missing: f"There is no model file '{missing}'.",
        broken: f"{broken}: not a readable OpenVINO file (",
        foreign: f"{foreign}: a file of the format OpenVINO without imgclf's header (class names and preprocessing).",
    }
    for file, sentence in sentences.items():
        with pytest.raises(RunError, match=f"^{re.escape(sentence)}"):
            Predictor.open(file)
    sentence = f"{graph.files[0]}: imgclf computes OpenVINO files on the CPU, not on 'cuda'."
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        Predictor.open(graph.files[0], device="cuda")


def test_missing_extra_is_named(
    model: Predictor, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It says what to install."""
    monkeypatch.setitem(sys.modules, "openvino", None)
    with pytest.raises(MissingExtraError) as caught:
        OpenVino().write(ExportJob(model, tmp_path / "model.xml", pixels))
    assert str(caught.value) == (
        "The format OpenVINO needs the extra 'openvino'. Install it with: pip install 'imgclf[openvino]'"
    )
