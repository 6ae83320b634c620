"""``imgclf embed`` as a person calls it."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imgclf.runs import Run


def test_maps_the_newest_run(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """Without --run the newest is taken and named; tables and sentence say how classes separate."""
    result = run_cli("embed", "--pca", "--device", "cpu")
    assert result.code == 0, result.err
    assert f"The newest finished run: runs/{shapes_run_copy.name}" in result.err
    assert "accuracy of 7 neighbours" in result.out  # eight images a class
    assert "The closest pair" in result.err or "agrees with the geometry" in result.err
    assert f"Wrote runs/{shapes_run_copy.name}/embed/embed.html" in result.err
    assert "saved" not in result.out


def test_a_second_map_says_that_features_are_reused(
    run_cli: Callable[..., Any], shapes_run_copy: Run
) -> None:
    """And shows both maps in one table; nothing is extracted."""
    run_cli("embed", "--pca", "--device", "cpu")
    result = run_cli("embed", "--tsne", "--perplexity", "5", "--device", "cpu")
    assert result.code == 0, result.err
    folder = f"runs/{shapes_run_copy.name}/embed"
    assert f"Features: those in {folder}; model, data and split are the same." in result.err
    assert "Extracting" not in result.err
    assert [line.split()[0] for line in result.out.splitlines()[-2:]] == ["t-SNE", "PCA"]


def test_neighbours_of_an_image(run_cli: Callable[..., Any], shapes_run_copy: Run, shapes: Path) -> None:
    """A table with rank, file, label and distance; no map is made."""
    image = shapes / "test" / "circle" / "00.png"
    result = run_cli("embed", "--neighbors", image, "--count", "4", "--device", "cpu")
    assert result.code == 0, result.err
    assert result.out.splitlines()[0].split() == ["rank", "file", "label", "prediction", "distance"]
    assert len(result.out.splitlines()) == 5
    assert "Of the 4 nearest images: " in result.err
    assert not (shapes_run_copy.path / "embed" / "embed.html").exists()
    plain = run_cli("embed", "--neighbors", image, "--json", "--quiet", "--device", "cpu")
    assert json.loads(plain.out)["neighbors"][0]["rank"] == 1


def test_json_and_untrained(run_cli: Callable[..., Any], shapes: Path, shapes_run_copy: Run) -> None:
    """Pixels of a folder, as JSON, beside the maps of a run."""
    run_cli("embed", "--pca", "--device", "cpu")
    arguments = (
        "--pixels",
        "--pca",
        "--data",
        shapes,
        "--json",
        "--quiet",
        "--compare",
        shapes_run_copy.name,
    )
    result = run_cli("embed", *arguments)
    assert result.code == 0, result.err
    assert json.loads(result.out)["images"] == 24
    assert list(json.loads(result.out)["compared_maps"]) == ["PCA of resnet9"]
    assert Path("embed", f"{shapes.name}-pixels", "embed.html").is_file()


def test_one_source_of_features(run_cli: Callable[..., Any]) -> None:
    """Two at once are wrong usage."""
    result = run_cli("embed", "--pixels", "--model", "resnet18")
    assert result.code == 2
    assert "--run, --model and --pixels each say what makes the features: give one of them." in result.err
