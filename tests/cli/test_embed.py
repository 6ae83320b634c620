"""``imgclf embed`` as a person calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imgclf.runs import Run


def test_maps_the_newest_run(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """Without --run the newest is taken and named; the table and the sentence say how classes separate."""
    result = run_cli("embed", "--pca", "--device", "cpu")
    assert result.code == 0, result.err
    assert f"Run: runs/{shapes_run_copy.name}" in result.err
    assert "accuracy of 10 neighbours" in result.out
    assert "The closest pair" in result.err or "agrees with the geometry" in result.err


def test_json_and_untrained(run_cli: Callable[..., Any], shapes: Path) -> None:
    """Pixels of a folder, as JSON."""
    result = run_cli("embed", "--pixels", "--pca", "--data", shapes, "--json", "--quiet")
    assert result.code == 0, result.err
    assert json.loads(result.out)["images"] == 24
    assert Path("embed", shapes.name, "embed.html").is_file()


def test_one_source_of_features(run_cli: Callable[..., Any]) -> None:
    """Two at once are wrong usage."""
    result = run_cli("embed", "--pixels", "--model", "resnet18")
    assert result.code == 2
    assert "--run, --model and --pixels each say what makes the features: give one of them." in result.err
