"""The saliency method that the contributing page shows: installed with pip, and named like ours."""

import json
from pathlib import Path

import numpy as np
import pytest

from imgclf.runs import Run
from tests.installing import install_from_page, run_seeing

PAGE = Path(__file__).parents[2] / "docs" / "contributing" / "add-method.md"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip put the package into."""
    return install_from_page(PAGE, tmp_path_factory.mktemp("stranger"))


def test_an_installed_method_is_used(installed: Path, shapes_run: Run, shapes: Path, tmp_path: Path) -> None:
    """Its maps stand beside ours."""
    given = [shapes / "test/circle/00.png", "--run", shapes_run.path, "--out", tmp_path, "--json"]
    done = run_seeing([installed], "explain", *given, "--method", "gradcam,activation-sum")
    assert done.returncode == 0, done.stderr
    maps = json.loads(done.stdout)["images"][0]["maps"]
    assert [one["method"] for one in maps] == ["gradcam", "activation-sum"]
    ours, theirs = (np.load(one["map"]) for one in maps)
    assert ours.shape == theirs.shape
    assert theirs.max() > 0


def test_a_name_of_ours_is_refused(installed: Path, shapes_run: Run, shapes: Path, tmp_path: Path) -> None:
    """Two packages with one name: neither wins silently."""
    metadata = tmp_path / "thief-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: thief\nVersion: 1.0\n", encoding="utf-8")
    points = "[imgclf.methods]\nactivation-sum = activation_sum:ActivationSum\n"
    (metadata / "entry_points.txt").write_text(points, encoding="utf-8")
    given = [shapes / "test/circle/00.png", "--run", shapes_run.path]
    done = run_seeing([installed, tmp_path], "explain", *given)
    assert done.returncode == 1
    assert done.stderr == (
        "Error: The name 'activation-sum' in 'imgclf.methods' is declared by 2 installed packages: "
        "activation-sum 1.0, thief 1.0. Uninstall all but one of them.\n"
    )
