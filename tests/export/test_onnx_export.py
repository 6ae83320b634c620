"""Exporting to ONNX: one file, any batch size, the same answers, without torch to run it."""

import json
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch
from torch import nn

from imgclf.doctor.roads import compare_roads
from imgclf.errors import MissingExtraError, ModelError, UsageError
from imgclf.export.formats.onnx import Onnx
from imgclf.export.job import Exported, ExportJob
from imgclf.export.onnx_file import describe, write_onnx
from imgclf.inference import Predictor
from imgclf.models import Classifier, Origin
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import Run
from tests.bad_files import make_bad_files

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),  # of the exporters, about each other
]


def test_one_file_with_everything_inside(exported: Exported, file: Path, model: Predictor) -> None:
    """No second file of weights; the header, and so class names and preprocessing, is in the metadata."""
    names = ["model.onnx", "preprocess.json", "predict_onnx.py", "model.onnx.parity.json"]
    assert [path.name for path in exported.files] == names
    assert sorted(path.name for path in file.parent.iterdir()) == sorted(names)
    reopened = Predictor.open(file)
    assert replace(reopened.header, provenance={}) == replace(model.header, provenance={})
    assert (reopened.backend.name, reopened.device) == ("onnx", "cpu")
    described = json.loads((file.parent / "preprocess.json").read_text())
    assert described["class_names"] == ["circle", "square", "triangle"]
    assert described["preprocessing"]["image_size"] == list(model.header.preprocessing.image_size)


def test_no_path_of_this_machine_leaves_with_it(file: Path, model: Predictor, shapes: Path) -> None:
    """The dataset goes by its name, and neither config nor environment is inside."""
    provenance = Predictor.open(file).header.provenance
    assert provenance["dataset"]["name"] == "shapes"
    assert provenance["dataset"]["fingerprint"] == model.header.provenance["dataset"]["fingerprint"]
    assert provenance.keys() == {"dataset", "metrics", "imgclf"}
    content = file.read_bytes()
    assert str(shapes).encode() not in content
    assert b"site-packages" not in content
    assert str(Path.home()).encode() not in content


def test_parity_is_reported(exported: Exported, file: Path) -> None:
    """The report says how many real images were compared, and by how much answers differ."""
    report = json.loads((file.parent / "model.onnx.parity.json").read_text())
    assert report["passed"] is True
    assert report["images"] == 24
    assert report["max_probability_difference"] <= 1e-4
    assert exported.report is not None
    assert exported.report.top1_agreement == 1


def test_same_predictions_as_the_run(file: Path, model: Predictor, images: list[Path]) -> None:
    """The predictor answers alike from either file, embeddings included, in any batch size."""
    reopened = Predictor.open(file)
    for ours, theirs in zip(model.predict(images), reopened.predict(images), strict=True):
        assert (ours.file, ours.label) == (theirs.file, theirs.label)
        assert list(theirs.probabilities.values()) == pytest.approx(
            list(ours.probabilities.values()), abs=1e-4
        )
    batch = np.stack([model.prepare(image).pixels for image in images[:3]])
    np.testing.assert_allclose(reopened.embed(batch), model.embed(batch), atol=1e-3)


def test_exported_file_is_a_road_of_its_own(file: Path, shapes_run: Run, images: list[Path]) -> None:
    """The comparison of roads takes the ONNX file in, and names the road of a file that is broken."""
    report = compare_roads(shapes_run.path, images[0], [file])
    assert report.roads[-1].name == "ONNX model.onnx"
    assert report.first_difference is None
    rough = Path(shutil.copy(file, "rough.onnx"))
    Path("rough.parity.json").write_text('{"tolerance": -1}')
    assert compare_roads(shapes_run.path, images[0], [rough]).first_difference == "ONNX rough.onnx"
    broken = Path("broken.onnx")
    broken.write_text("no model")
    assert compare_roads(shapes_run.path, images[0], [broken]).first_difference == "ONNX broken.onnx"
    with pytest.raises(UsageError) as caught:
        compare_roads(file, images[0])
    assert str(caught.value) == f"{file}: exported already. Compare from the run that it came from."


def test_predict_with_onnx_imports_no_torch(file: Path, images: list[Path]) -> None:
    """The whole command runs without torch, timm or our model code."""
    code = (
        "import sys; from imgclf.cli.main import main\n"
        f"code = main(['predict', {str(images[0])!r}, '--model-file', {str(file)!r}, '--json'])\n"
        "loaded = {'torch', 'torchvision', 'timm', 'imgclf.models'} & set(sys.modules)\n"
        "sys.exit(code or ', '.join(loaded) or None)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] in ("circle", "square", "triangle")


_SCRIPT_WITHOUT_TORCH = """
import sys, runpy

class Blocker:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in ("torch", "torchvision", "timm", "imgclf", "onnx", "safetensors"):
            raise ModuleNotFoundError(f"No module named {name!r}")

sys.meta_path.insert(0, Blocker())
sys.argv = sys.argv[1:]
runpy.run_path(sys.argv[0], run_name="__main__")
"""


def test_script_beside_it_needs_neither_torch_nor_imgclf(
    file: Path, model: Predictor, images: list[Path], tmp_path: Path
) -> None:
    """NumPy, Pillow and ONNX Runtime give the same answers, also for odd but legal images."""
    folder = shutil.copytree(file.parent, tmp_path / "elsewhere")
    odd = [
        bad.path for bad in make_bad_files(tmp_path / "odd") if bad.kind is None and 35 <= bad.number <= 47
    ]
    given = [str(path) for path in [*images[:4], *odd]]
    arguments = [str(folder / "predict_onnx.py"), str(folder / "model.onnx"), *given]
    command = [sys.executable, "-c", _SCRIPT_WITHOUT_TORCH, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    rows = [json.loads(line) for line in done.stdout.splitlines()]
    for row, ours in zip(rows, model.predict(given), strict=True):
        expected = pytest.approx([value for _, value in ours.top_k], abs=1e-4)
        assert [best["confidence"] for best in row["top_k"]] == expected, row["file"]
        assert row["label"] == ours.label


@pytest.mark.parametrize("program", ["script", "package"])
def test_nothing_is_reported_to_anybody(file: Path, images: list[Path], tmp_path: Path, program: str) -> None:
    """ONNX Runtime's telemetry, on by default, leaves no identity and no database to send."""
    commands = {
        "script": [str(file.parent / "predict_onnx.py"), str(images[0])],
        "package": ["-m", "imgclf", "predict", str(images[0]), "--model-file", str(file)],
    }
    home = {"HOME": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    kept = {key: value for key, value in os.environ.items() if key != "ORT_DISABLE_TELEMETRY"}
    subprocess.run(
        [sys.executable, *commands[program]], env={**kept, **home}, capture_output=True, check=True
    )
    assert not [path for path in tmp_path.rglob("*") if "onnxruntime" in path.name]


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
@pytest.mark.parametrize("channels", [1, 3])
def test_script_prepares_images_as_we_do(file: Path, tmp_path: Path, mode: Any, channels: int) -> None:
    """The script's own preprocessing gives the very pixels of ours, for every way of resizing."""
    from PIL import Image

    from imgclf.data import preprocess

    script: dict[str, Any] = {"__file__": str(file.parent / "predict_onnx.py"), "__name__": "script"}
    exec((file.parent / "predict_onnx.py").read_text(), script)
    spec = Preprocessing((31, 24), (0.5,) * channels, (0.2,) * channels, mode, 0.9, "bicubic")
    for size in ((97, 53), (53, 97), (24, 31), (1, 200), (8, 8)):
        noise = np.random.default_rng(0).integers(0, 256, (*size, 3), np.uint8)
        image = Image.fromarray(noise)
        np.testing.assert_array_equal(script["preprocess"](image, spec.to_dict()), preprocess(image, spec))


def test_preprocessing_baked_in(
    model: Predictor, pixels: np.ndarray, images: list[Path], tmp_path: Path
) -> None:
    """With normalisation inside, the input is plain pixels and the answers are the same."""
    result = Onnx().write(ExportJob(model, tmp_path / "baked.onnx", pixels, baked=True))
    (given,) = onnx.load(result.files[0]).graph.input
    assert given.type.tensor_type.elem_type == onnx.TensorProto.UINT8
    baked = Predictor.open(result.files[0])
    np.testing.assert_allclose(baked.probabilities(pixels), model.probabilities(pixels), atol=1e-4)
    script = [sys.executable, str(tmp_path / "predict_baked_onnx.py")]
    done = subprocess.run([*script, str(images[0])], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["label"] == model.predict(images[:1])[0].label
    (tmp_path / "bad.png").write_text("no image")
    done = subprocess.run(
        [*script, str(tmp_path / "bad.png"), str(images[0])], capture_output=True, text=True, check=False
    )
    assert done.returncode == 3, done.stderr
    first, second = map(json.loads, done.stdout.splitlines())
    assert "cannot identify image file" in first["error"]
    assert "label" in second
    assert subprocess.run(script, capture_output=True, check=False).returncode == 2


def test_beyond_tolerance_nothing_is_kept(model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """An export that answers differently fails with figures, and leaves only its report."""
    output = tmp_path / "bad.onnx"
    with pytest.raises(ModelError) as caught:
        Onnx().write(ExportJob(model, output, pixels, precision="int8", tolerance=1e-12))
    assert str(caught.value).startswith(
        "'bad.onnx' does not predict like the model it was made from: on 6 real images a probability differs by on "
        "average "
    )
    assert str(caught.value).endswith(
        f"It was not kept; {tmp_path / 'bad.onnx.parity.json'} has the figures. "
        f"Export in a higher precision, or allow more with --tolerance."
    )
    assert [path.name for path in tmp_path.iterdir()] == ["bad.onnx.parity.json"]
    assert json.loads((tmp_path / "bad.onnx.parity.json").read_text())["passed"] is False


class _Undecided(nn.Module):
    """A network whose path depends on its input, which no graph can hold."""

    head_hidden_size = 2

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        return images if images.sum() > 0 else -images

    def forward_head(self, features: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        return features.mean((2, 3))


def test_network_that_no_graph_can_hold_is_named(tmp_path: Path) -> None:
    """The exporter's failure becomes a sentence with ways out."""
    header = ModelHeader("undecided", ("a", "b"), Preprocessing((8, 8), (0.5, 0.5), (0.5, 0.5)))
    classifier = Classifier(_Undecided(), 2, Origin("undecided")).eval()
    with pytest.raises(ModelError) as caught:
        write_onnx(tmp_path / "x.onnx", classifier, header, baked=False)
    assert str(caught.value).startswith("The network 'undecided' cannot be exported to ONNX: ")
    assert str(caught.value).endswith("Serve the run itself instead, or export with: imgclf export torch")


def test_exported_file_is_not_exported_again(file: Path, pixels: np.ndarray, tmp_path: Path) -> None:
    """Export starts from the run."""
    with pytest.raises(UsageError) as caught:
        Onnx().write(ExportJob(Predictor.open(file), tmp_path / "again.onnx", pixels))
    assert str(caught.value) == f"{file}: exported already. Export from the run or its model.safetensors."


def test_missing_extra_is_named(
    file: Path, model: Predictor, pixels: np.ndarray, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without onnx or ONNX Runtime the error says what to install."""
    monkeypatch.setitem(sys.modules, "onnxscript", None)
    with pytest.raises(MissingExtraError) as caught:
        Onnx().write(ExportJob(model, tmp_path / "x.onnx", pixels))
    assert str(caught.value) == (
        "Exporting to ONNX needs the extra 'onnx'. Install it with: pip install 'imgclf[onnx]'"
    )
    monkeypatch.setitem(sys.modules, "onnxruntime", None)
    with pytest.raises(MissingExtraError, match=r"^Predicting with an ONNX file needs the extra 'onnx'"):
        Predictor.open(file)


def test_a_file_that_the_checker_refuses_is_told(file: Path, model: Predictor, tmp_path: Path) -> None:
    """Nodes out of order are no valid file, whatever ONNX Runtime makes of them."""
    broken = onnx.load(file)
    nodes = list(broken.graph.node)[::-1]
    del broken.graph.node[:]
    broken.graph.node.extend(nodes)
    onnx.save(broken, tmp_path / "broken.onnx")
    with pytest.raises(ModelError) as caught:
        describe(tmp_path / "broken.onnx", model.header)
    assert str(caught.value).startswith("'broken.onnx' is no valid ONNX file: ")
    assert str(caught.value).endswith("Export in another precision, or with: imgclf export torch")


def test_what_a_converter_says_is_told_in_plain_letters(tmp_path: Path) -> None:
    """Hiera's attention has five dimensions: the reason, without colours and "step 3/3"."""
    from imgclf.models import create_classifier

    small = {"embed_dim": 16, "stages": (1, 1, 1, 1), "num_heads": 1}
    classifier = create_classifier(
        "hiera_tiny_224", 3, pretrained="no", image_size=(224, 224), arch_args=small
    ).eval()
    header = ModelHeader(
        "hiera_tiny_224", ("a", "b", "c"), Preprocessing((224, 224), (0.5,) * 3, (0.5,) * 3), small
    )
    with pytest.raises(ModelError) as caught:
        write_onnx(tmp_path / "x.onnx", classifier, header, baked=False)
    assert str(caught.value) == (
        "The network 'hiera_tiny_224' cannot be exported to ONNX: only 4D query, key, and value are supported. Serve "
        "the run itself instead, or export with: imgclf export torch"
    )


def test_a_second_export_leaves_the_first_one_s_files(
    model: Predictor, pixels: np.ndarray, tmp_path: Path
) -> None:
    """Names of their own beside it; where they would be another model's, it is refused before anything is written."""
    job = ExportJob(model, tmp_path / "model.onnx", pixels)
    Onnx().write(job)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    second = Onnx().write(replace(job, target=tmp_path / "other-one.onnx"))
    assert [path.name for path in second.files] == [
        "other-one.onnx", "other-one.preprocess.json", "predict_other_one_onnx.py", "other-one.onnx.parity.json",
    ]  # fmt: skip
    assert {name: (tmp_path / name).read_bytes() for name in before} == before
    (tmp_path / "preprocess.json").write_text("{}")
    with pytest.raises(UsageError) as caught:
        Onnx().write(job)
    assert str(caught.value) == (
        f"'{tmp_path / 'preprocess.json'}' belongs to another export. Give this one a name of its own, such as "
        f"--output {tmp_path / 'other.onnx'}, or replace what is there with --overwrite."
    )
    Onnx().write(replace(job, overwrite=True))
    assert (tmp_path / "preprocess.json").read_bytes() == before["preprocess.json"]
