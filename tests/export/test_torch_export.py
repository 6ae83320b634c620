"""Exporting with torch.export."""

import json
from pathlib import Path
from zipfile import ZipFile

import numpy as np
import pytest
import torch
from torch import nn

from imgclf.data import normalize
from imgclf.errors import ModelError, RunError, UsageError
from imgclf.export.formats.torch_program import TorchProgram
from imgclf.export.job import ExportJob
from imgclf.inference import Predictor
from imgclf.models import Classifier, Origin
from imgclf.runs import Run
from imgclf.task import softmax


@pytest.fixture(scope="module")
def model(shapes_run: Run) -> Predictor:
    """The run's model on the CPU."""
    return Predictor.open(shapes_run.path, device="cpu")


@pytest.fixture(scope="module")
def pixels(model: Predictor, shapes: Path) -> np.ndarray:
    """A few test images as the model takes them."""
    return np.stack([model.prepare(image).pixels for image in sorted((shapes / "test").glob("*/0[0-2].png"))])


def test_program_runs_without_imgclf(model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """Plain torch loads the file, takes any batch, gives our logits, and finds the header."""
    file, report = TorchProgram().write(ExportJob(model, tmp_path / "new" / "model.pt2", pixels)).files
    assert json.loads(report.read_text())["passed"] is True
    extra = {"imgclf.json": ""}
    network = torch.export.load(file, extra_files=extra).module()
    images = torch.from_numpy(normalize(pixels, model.header.preprocessing))
    for batch in (images, images[:1]):
        got = softmax(network(batch)[0].detach().numpy())
        np.testing.assert_allclose(got, softmax(model.logits(pixels))[: len(batch)], atol=1e-5)
    assert json.loads(extra["imgclf.json"])["class_names"] == ["circle", "square", "triangle"]
    assert sorted(path.name for path in file.parent.iterdir()) == ["model.pt2", "model.pt2.parity.json"]
    with ZipFile(file) as archive:
        assert not [name for name in archive.namelist() if b"site-packages" in archive.read(name)]


def test_difference_beyond_tolerance_is_refused(model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """A program that answers differently is not kept, and its report is."""
    with pytest.raises(ModelError) as caught:
        TorchProgram().write(ExportJob(model, tmp_path / "model.pt2", pixels, tolerance=-1))
    assert str(caught.value).startswith(
        "'model.pt2' does not predict like the model it was made from: on 9 real images a probability differs by at "
        "most "
    )
    assert "(allowed: -1)" in str(caught.value)
    assert [path.name for path in tmp_path.iterdir()] == ["model.pt2.parity.json"]


class _Undecided(nn.Module):
    """A network whose path depends on its input, which no program can hold."""

    head_hidden_size = 3

    def forward_features(self, images: torch.Tensor) -> torch.Tensor:
        return images if images.sum() > 0 else -images

    def forward_head(self, features: torch.Tensor, pre_logits: bool = False) -> torch.Tensor:
        return features.mean((2, 3))


def test_network_that_cannot_be_captured_is_named(
    shapes_run: Run, pixels: np.ndarray, tmp_path: Path
) -> None:
    """The failure of torch.export becomes a sentence."""
    model = Predictor.open(shapes_run.path, device="cpu", runtime="torch")
    model.backend._classifier = Classifier(_Undecided(), 3, Origin("undecided")).eval()
    with pytest.raises(ModelError, match=r"^The network '\w+' cannot be captured by torch\.export: .*\.$"):
        TorchProgram().write(ExportJob(model, tmp_path / "model.pt2", pixels))


def test_a_program_predicts_like_the_run(model: Predictor, pixels: np.ndarray, tmp_path: Path) -> None:
    """``--model-file model.pt2`` is a model like any other; its device is the CPU."""
    file = TorchProgram().write(ExportJob(model, tmp_path / "model.pt2", pixels)).files[0]
    opened = Predictor.open(file)
    assert opened.class_names == model.class_names
    np.testing.assert_allclose(opened.probabilities(pixels), model.probabilities(pixels), atol=1e-5)
    np.testing.assert_allclose(opened.embed(pixels), model.embed(pixels), atol=1e-3)
    opened.limit_threads(1)
    with pytest.raises(
        UsageError,
        match=r"model\.pt2: a torch\.export program of imgclf computes on the CPU, not on 'cuda'\.$",
    ):
        Predictor.open(file, device="cuda")


def test_programs_that_cannot_be_read_are_named(model: Predictor, tmp_path: Path) -> None:
    """Missing, broken, or of somebody else."""
    missing, broken, foreign = (tmp_path / f"{name}.pt2" for name in ("missing", "broken", "foreign"))
    broken.write_text("no program")
    torch.export.save(torch.export.export(nn.Linear(1, 1), (torch.zeros(1, 1),)), foreign)
    with pytest.raises(RunError, match=rf"^There is no model file '{missing}'\.$"):
        Predictor.open(missing)
    with pytest.raises(RunError, match=rf"^{broken}: not a readable torch\.export program \("):
        Predictor.open(broken)
    with pytest.raises(
        RunError, match=rf"^{foreign}: a file of the format torch\.export without imgclf's header "
    ):
        Predictor.open(foreign)
