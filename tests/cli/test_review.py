"""``imgclf review``."""

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imgclf.evaluation.suspects import Suspect, write_review
from imgclf.runs import Run


def _review(run: Run) -> tuple[Path, str]:
    with run.splits.open(newline="") as file:
        name = next(row["file"] for row in csv.DictReader(file) if row["label"] == "circle")
    path = run.path / "review.csv"
    with run.splits.open(newline="") as file:
        split = next(row["split"] for row in csv.DictReader(file) if row["file"] == name)
    write_review(path, [Suspect(name, split, "circle", "square", 0.1, 0.9)])
    return path, name


def test_suspicious_labels_are_shown(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """The newest run's review, as a table and as JSON."""
    _, name = _review(shapes_run_copy)
    result = run_cli("review", "show")
    assert result.code == 0
    assert name in result.out
    assert "square" in result.out
    rows = json.loads(run_cli("review", "show", "--json", "--quiet").out)
    assert rows[0]["suggested"] == "square"


def test_a_corrected_review_becomes_a_manifest(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """The run is the one that the file lies in, and the manifest lies beside it."""
    path, _ = _review(shapes_run_copy)
    path.write_text(path.read_text().rstrip("\n") + "square\n")
    result = run_cli("review", "apply", path)
    assert result.code == 0
    assert "96 images, 1 labels changed, 0 images left out." in result.err
    assert (shapes_run_copy.path / "manifest.csv").is_file()
    assert f"Next: imgclf train --data {path.with_name('manifest.csv')}" in result.err


def test_an_untouched_review_changes_nothing(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """One line says what is missing."""
    path, _ = _review(shapes_run_copy)
    result = run_cli("review", "apply", path)
    assert result.code == 1
    assert "its column new_label changes nothing" in result.err
