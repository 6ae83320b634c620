"""The export format that the contributing page shows: written, checked and predicted with like ours."""

import json
import re
from pathlib import Path

import pytest

from imgclf.errors import PluginError, UsageError
from imgclf.export.formats import EXPORTS
from imgclf.inference.exported import format_of
from imgclf.runs import Run
from tests.installing import install_from_page, run_seeing

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "add-export-format.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip put the package into."""
    return install_from_page(PAGE, tmp_path_factory.mktemp("stranger"))


def test_an_installed_format_is_written_and_predicted_with(
    installed: Path, shapes_run: Run, shapes: Path, tmp_path: Path
) -> None:
    """The file is checked like ours, and predicts like the run's own."""
    images, file = shapes / "test/circle", tmp_path / "model.gz"
    arguments = ["--run", shapes_run.path, "--output", file, "--images", images]
    done = run_seeing([installed], "export", "zipped", *arguments)
    assert done.returncode == 0, done.stderr
    assert "It predicts like the run: on 8 real images a probability differs by at most " in done.stderr
    assert json.loads((tmp_path / "model.gz.parity.json").read_text())["passed"] is True
    image = images / "00.png"
    found = run_seeing([installed], "predict", image, "--model-file", file, "--json")
    assert found.returncode == 0, found.stderr
    ours = run_seeing([], "predict", image, "--run", shapes_run.path, "--json")
    theirs = json.loads(found.stdout)
    assert theirs["label"] == json.loads(ours.stdout)["label"]


def test_an_unknown_format_suggests_the_nearest() -> None:
    """With all there are."""
    sentence = f"Unknown export format 'onx'. Did you mean 'onnx'? Known: {', '.join(EXPORTS.names())}."
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        EXPORTS.load("onx")


def test_an_ending_of_two_formats_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody knows which of them wrote the file."""
    code = "class Thief:\n    name, title, ending, open = 'thief', 'T', '.onnx', print\n"
    (tmp_path / "thief.py").write_text(code, encoding="utf-8")
    metadata = tmp_path / "thief-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", encoding="utf-8")
    (metadata / "entry_points.txt").write_text("[imgclf.exports]\nthief = thief:Thief\n", encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    sentence = "The ending '.onnx' belongs to 2 installed export formats: onnx, thief. Uninstall all but one of their packages."
    with pytest.raises(PluginError, match=f"^{re.escape(sentence)}$"):
        format_of(Path("model.onnx"))
    assert format_of(Path("model.safetensors")) is None
