"""Fixtures that all tests share: a sandboxed home, tiny real data, a real run, and the command line."""

import os
import random
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest
from PIL import Image, ImageDraw

if TYPE_CHECKING:
    from imgclf.runs import Run

# One thread: the networks here are so small that threads wait for each other more than they compute, above all on
# a busy machine. Subprocesses inherit it; it counts only before torch is imported.
os.environ.setdefault("OMP_NUM_THREADS", "1")

SHAPES = ("circle", "square", "triangle")
_COLOURS = {"circle": (200, 60, 60), "square": (60, 180, 80), "triangle": (70, 90, 210)}


@pytest.fixture(scope="session", autouse=True)
def _sandbox(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep every test out of the user's home and off the network."""
    home = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for variable in ("IMGCLF_CACHE_DIR", "IMGCLF_DATA_DIR", "XDG_CACHE_HOME", "HF_HOME", "TORCH_HOME"):
            patch.setenv(variable, str(home / variable.lower()))
        patch.setenv("HF_HUB_OFFLINE", "1")
        yield


@pytest.fixture(autouse=True)
def _fresh_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Give each test an empty working folder and the same random numbers."""
    monkeypatch.chdir(tmp_path)
    # Fabric sets it where processes meet and never takes it back (lightning_fabric.utilities.distributed).
    monkeypatch.delenv("MASTER_PORT", raising=False)
    random.seed(0)
    np.random.seed(0)  # noqa: NPY002 - libraries under test may use the global generator
    if "torch" in sys.modules:
        sys.modules["torch"].manual_seed(0)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """The folder of real datasets that IMGCLF_TEST_DATA names; without it the test is skipped."""
    folder = os.environ.get("IMGCLF_TEST_DATA")
    if not folder:
        pytest.skip("IMGCLF_TEST_DATA is not set: no real datasets at hand")
    return Path(folder)


@pytest.fixture(scope="session")
def shapes(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with train/ and test/ of 32x32 coloured circles, squares and triangles (24 and 8 of each)."""
    root = tmp_path_factory.mktemp("data") / "shapes"
    generator = random.Random(0)
    for split, count in (("train", 24), ("test", 8)):
        for shape in SHAPES:
            folder = root / split / shape
            folder.mkdir(parents=True)
            for index in range(count):
                draw_shape(shape, generator).save(folder / f"{index:02d}.png")
    return root


@pytest.fixture(scope="session")
def shapes_run(shapes: Path, tmp_path_factory: pytest.TempPathFactory) -> "Run":
    """A real run trained on ``shapes``; read it, or take ``shapes_run_copy`` to change it."""
    from imgclf.recipes import Config
    from imgclf.training import train

    config = Config.model_validate(
        {
            "data": {"dataset": str(shapes), "val_fraction": 0.25},
            "model": {"name": "auto", "pretrained": "no"},
            "augment": {"transforms": []},
            "training": {"epochs": 4, "batch_size": 9},
            "hardware": {"device": "cpu", "precision": "fp32"},
        }
    )
    return train(config, out=tmp_path_factory.mktemp("trained") / "runs").run


@pytest.fixture
def shapes_run_copy(shapes_run: "Run", tmp_path: Path) -> "Run":
    """A copy of ``shapes_run`` for a test that writes into it, in ``runs/`` of the working folder."""
    from imgclf.runs import Run

    return Run(Path(shutil.copytree(shapes_run.path, tmp_path / "runs" / shapes_run.name)))


@dataclass(frozen=True)
class CliResult:
    """What a call of the command line gave: exit code, stdout, stderr."""

    code: int
    out: str
    err: str


@pytest.fixture
def run_cli(capsys: pytest.CaptureFixture[str]) -> Callable[..., CliResult]:
    """Call ``imgclf`` with arguments: ``run_cli("predict", "a.png").err``."""
    from imgclf.cli.main import main

    def call(*argv: str | Path) -> CliResult:
        capsys.readouterr()
        code = main([str(argument) for argument in argv])
        captured = capsys.readouterr()
        return CliResult(code, captured.out, captured.err)

    return call


def draw_shape(shape: str, generator: random.Random, size: int = 32) -> Image.Image:
    """Draw one shape at a random place in a shade of its colour on a random grey."""
    image = Image.new("RGB", (size, size), (generator.randrange(140, 250),) * 3)
    shade = tuple(channel + generator.randrange(-40, 40) for channel in _COLOURS[shape])
    width = generator.randrange(size // 3, size // 2)
    left, top = (generator.randrange(0, size - width) for _ in range(2))
    box = (left, top, left + width, top + width)
    draw = ImageDraw.Draw(image)
    if shape == "circle":
        draw.ellipse(box, fill=shade)
    elif shape == "square":
        draw.rectangle(box, fill=shade)
    else:
        draw.polygon([(left, top + width), (left + width, top + width), (left + width // 2, top)], fill=shade)
    return image
