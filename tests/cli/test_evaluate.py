"""``imgclf evaluate``."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgclf.runs import Run


def test_the_table_fits_eighty_columns(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """Numbers go to stdout, sentences and files to stderr, and the newest run is taken and named."""
    result = run_cli("evaluate", "--device", "cpu", "--misclassified", "2")
    assert result.code == 0
    assert f"The newest finished run: runs/{shapes_run_copy.name}" in result.err
    assert "accuracy" in result.out
    assert "circle" in result.out
    assert max(map(len, result.out.splitlines())) <= 80
    assert "report.html" in result.err
    assert "Next: imgclf explain --misclassified" in result.err


def test_json_is_all_there_is_on_stdout(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """A program reads the same numbers that metrics.json has."""
    result = run_cli("evaluate", "--run", shapes_run_copy.path, "--json", "--quiet", "--misclassified", "0")
    values = json.loads(result.out)
    assert values == json.loads((shapes_run_copy.path / "metrics.json").read_text())["evaluation"]["test"]


def test_unreadable_images_end_with_code_three(
    run_cli: Callable[..., Any], shapes: Path, shapes_run_copy: Run, tmp_path: Path
) -> None:
    """The others are measured all the same."""
    data = tmp_path / "damaged"
    shutil.copytree(shapes / "test", data)
    (data / "circle" / "00.png").write_bytes((data / "circle" / "00.png").read_bytes()[:60])
    result = run_cli("evaluate", "--run", shapes_run_copy.path, "--data", data, "--misclassified", "0")
    assert result.code == 3
    assert "1 images have no answer" in result.err


def test_a_missing_run_is_one_line(run_cli: Callable[..., Any]) -> None:
    """No traceback, and what to do next."""
    result = run_cli("evaluate")
    assert result.code == 1
    assert "There is no finished run in 'runs'. Train one with: imgclf train" in result.err


@pytest.mark.parametrize("command", ["evaluate", "compare", "review"])
def test_help_has_an_example(run_cli: Callable[..., Any], command: str) -> None:
    """Every command shows how it is called."""
    result = run_cli(command, "--help")
    assert result.code == 0
    assert f"Example: imgclf {command}" in " ".join(result.out.split())
