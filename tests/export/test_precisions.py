"""ONNX files in half precision and in eight bits."""

import shutil
from pathlib import Path

import numpy as np
import onnx
import pytest
import torch

from imgclf.errors import ModelError
from imgclf.export.eight_bits import has_vnni, to_eight_bits
from imgclf.export.formats.onnx import Onnx
from imgclf.export.job import ExportJob
from imgclf.export.onnx_file import describe, to_half
from imgclf.export.parity import compare_predictions
from imgclf.inference import Predictor
from imgclf.records import ModelHeader, Preprocessing

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of the exporters, about each other


def test_half_precision(file: Path, model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """float16 halves the file and stays within its tolerance."""
    half = Path(shutil.copy(file, tmp_path / "half.onnx"))
    to_half(half)
    describe(half, model.header)
    assert half.stat().st_size < 0.6 * file.stat().st_size
    assert compare_predictions(model, Predictor.open(half).logits, pixels, "fp16").passed


def test_eight_bits(file: Path, model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """int8 is a third of the size or less and stays within its tolerance."""
    from imgclf.data import normalize

    small = Path(shutil.copy(file, tmp_path / "small.onnx"))
    fed = normalize(pixels, model.header.preprocessing)
    to_eight_bits(small, [fed[index : index + 1] for index in range(len(fed))])
    describe(small, model.header)
    assert small.stat().st_size < 0.35 * file.stat().st_size
    report = compare_predictions(model, Predictor.open(small).logits, pixels, "int8")
    assert report.passed, report


def test_eight_bits_are_judged_by_the_average_image(model: Predictor, pixels: np.ndarray) -> None:
    """One image between two classes does not decide over int8; in float32 it does, and NaN never passes."""

    def one_turned(batch: np.ndarray) -> np.ndarray:
        logits = model.logits(batch)
        turned = (batch == pixels[0]).all((1, 2, 3))
        logits[turned] = logits[turned][:, ::-1] * 9
        return logits

    low, high = (compare_predictions(model, one_turned, pixels, precision) for precision in ("int8", "fp32"))
    assert low.passed
    assert low.difference == low.mean_probability_difference < 0.1 < high.difference
    assert not high.passed
    assert not compare_predictions(model, lambda batch: model.logits(batch) * np.nan, pixels, "int8").passed


def test_eight_bits_of_a_transformer(pixels: np.ndarray, tmp_path: Path) -> None:
    """A network of matrix products is quantised too (dynamically), and answers alike."""
    from imgclf.models import create_classifier
    from imgclf.runs import save_model_file

    torch.manual_seed(0)
    small = {"embed_dim": 32, "depth": 2, "num_heads": 2, "patch_size": 8}
    classifier = create_classifier(
        "vit_tiny_patch16_224", 3, pretrained="no", image_size=(32, 32), arch_args=small
    )
    header = ModelHeader(
        classifier.arch,
        ("a", "b", "c"),
        Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3),
        classifier.arch_args,
    )
    save_model_file(tmp_path / "vit.safetensors", classifier.state_dict(), header)
    model = Predictor.open(tmp_path / "vit.safetensors", device="cpu")
    result = Onnx().write(ExportJob(model, tmp_path / "vit.onnx", pixels, precision="int8"))
    assert result.report is not None
    assert result.report.max_probability_difference < 0.1


def test_quantiser_that_fails_is_a_sentence(tmp_path: Path) -> None:
    """What ONNX Runtime's quantiser runs into is told with a way out."""
    (tmp_path / "x.onnx").write_text("no model")
    with pytest.raises(ModelError) as caught:
        to_eight_bits(tmp_path / "x.onnx", [])
    assert str(caught.value).startswith("ONNX Runtime cannot quantise this network to int8: ")
    assert str(caught.value).endswith(". Use --fp16 instead.")


def test_nodes_of_half_precision_are_in_order(model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """ONNX's own checker takes the file; the converter appends its casts behind the nodes that read them."""
    file = Onnx().write(ExportJob(model, tmp_path / "half.onnx", pixels, precision="fp16")).files[0]
    onnx.checker.check_model(file, full_check=True)
    known: set[str] = {""}
    graph = onnx.load(file).graph
    known |= {each.name for each in [*graph.input, *graph.initializer]}
    for node in graph.node:
        assert set(node.input) <= known, node.name
        known |= set(node.output)


@pytest.mark.parametrize("vnni", [True, False])
def test_without_vnni_weights_keep_to_seven_bits(
    file: Path, model: Predictor, pixels: np.ndarray, tmp_path: Path, vnni: bool
) -> None:
    """A CPU that adds two products in 16 bits saturates otherwise."""
    from imgclf.data import normalize

    small = Path(shutil.copy(file, tmp_path / "small.onnx"))
    fed = normalize(pixels, model.header.preprocessing)
    to_eight_bits(small, [fed[index : index + 1] for index in range(len(fed))], vnni)
    tensors = onnx.load(small).graph.initializer
    weights = [
        onnx.numpy_helper.to_array(each) for each in tensors if each.data_type == onnx.TensorProto.INT8
    ]
    largest = max(int(np.abs(each.astype(int)).max()) for each in weights if each.ndim == 4)
    assert largest == (127 if vnni else 64)
    assert isinstance(has_vnni(), bool)


def test_accuracy_stands_beside_the_distance(model: Predictor, pixels: np.ndarray) -> None:
    """Of images with a label: right before and after, and whether chance alone would part them so far."""
    right = model.logits(pixels).argmax(1)
    labels = np.where(np.arange(len(pixels)) < 20, right, -1)

    def turned(batch: np.ndarray) -> np.ndarray:
        return -model.logits(batch)

    same = compare_predictions(model, model.logits, pixels, labels=labels).accuracy
    assert same is not None
    assert (same.images, same.before, same.after, same.p_value) == (20, 1, 1, 1)
    worse = compare_predictions(model, turned, pixels, "int8", labels=labels)
    assert worse.accuracy is not None
    assert (worse.accuracy.after, worse.accuracy.only_before) == (0, 20)
    assert worse.accuracy.p_value < 1e-4
    assert str(worse).endswith("; accuracy 100.0% before and 0.0% after (p = 1.9e-06)")
    unknown = np.full(len(pixels), -1)
    assert compare_predictions(model, model.logits, pixels, labels=unknown).accuracy is None
