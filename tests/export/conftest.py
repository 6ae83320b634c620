"""One exported model for all tests of this folder."""

from pathlib import Path

import numpy as np
import pytest

from imgclf.export.formats.onnx import Onnx
from imgclf.export.job import Exported, ExportJob
from imgclf.inference import Predictor
from imgclf.runs import Run


@pytest.fixture(scope="session")
def model(shapes_run: Run) -> Predictor:
    """The run's model on the CPU."""
    return Predictor.open(shapes_run.path, device="cpu")


@pytest.fixture(scope="session")
def images(shapes: Path) -> list[Path]:
    """The test images."""
    return sorted((shapes / "test").glob("*/*.png"))


@pytest.fixture(scope="session")
def pixels(model: Predictor, images: list[Path]) -> np.ndarray:
    """The test images as the model takes them."""
    return np.stack([model.prepare(image).pixels for image in images])


@pytest.fixture(scope="session")
def exported(model: Predictor, pixels: np.ndarray, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    """The run's model as float32 ONNX."""
    return Onnx().write(ExportJob(model, tmp_path_factory.mktemp("export") / "model.onnx", pixels))


@pytest.fixture
def file(exported: Exported) -> Path:
    """The exported file."""
    return exported.files[0]
