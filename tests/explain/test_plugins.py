"""A stranger's method: one file and one line of pyproject, installed with pip, and named like ours."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from imgclf.runs import Run

PYPROJECT = """
[build-system]
requires = ["hatchling"]
build-backend = "hatchling.build"

[project]
name = "activation-sum"
version = "1.0"

[project.entry-points."imgclf.methods"]
activation-sum = "activation_sum:ActivationSum"

[tool.hatch.build.targets.wheel]
include = ["activation_sum.py"]
"""
METHOD = '''
"""What a layer holds, whatever the class."""

import torch


class ActivationSum:
    name = "activation-sum"
    title = "Activation sum"
    note = "the sum of a layer's channels; the same for every class"
    by_layer = True
    slow = "thinks hard"

    def maps(self, network, images, classes, layer):
        kept = []
        hook = layer.module.register_forward_hook(lambda _, __, output: kept.append(output))
        with torch.inference_mode():
            network(images)
        hook.remove()
        return kept[-1].sum(1).clamp(min=0).numpy()
'''
PIP = ("-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that pip put the package into."""
    source, site = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("site")
    (source / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    (source / "activation_sum.py").write_text(METHOD, encoding="utf-8")
    subprocess.run([sys.executable, *PIP, "--target", str(site), str(source)], check=True, timeout=120)
    return site


def explain(site: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """Run ``imgclf explain`` in a process that sees the package."""
    environment = {**os.environ, "PYTHONPATH": str(site)}
    command = [sys.executable, "-m", "imgclf", "explain", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=300, check=False)


def test_an_installed_method_is_used(installed: Path, shapes_run: Run, shapes: Path, tmp_path: Path) -> None:
    """Its maps stand beside ours, and what makes it slow is said."""
    given = [str(shapes / "test/circle/00.png"), "--run", str(shapes_run.path), "--out", str(tmp_path)]
    done = explain(installed, *given, "--method", "gradcam,activation-sum", "--json")
    assert done.returncode == 0, done.stderr
    assert "Slow: Activation sum thinks hard." in done.stderr
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
    both = Path(os.pathsep.join([str(installed), str(tmp_path)]))
    done = explain(both, str(shapes / "test/circle/00.png"), "--run", str(shapes_run.path))
    assert done.returncode == 1
    assert done.stderr == (
        "Error: The name 'activation-sum' in 'imgclf.methods' is declared by 2 installed packages: "
        "activation-sum 1.0, thief 1.0. Uninstall all but one of them.\n"
    )
