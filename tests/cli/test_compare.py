"""``imgclf compare``."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from imgclf.runs import Run


def test_two_runs_stand_side_by_side(
    run_cli: Callable[..., Any], shapes_run_copy: Run, tmp_path: Path
) -> None:
    """A table of both, which letter is which, and the verdict in words."""
    other = Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "other"))
    result = run_cli("compare", shapes_run_copy.path, other, "--device", "cpu")
    assert result.code == 0
    assert "B and A are right and wrong on the very same images." in result.out
    assert "B = other" in result.out
    assert "MB" in result.out
    assert "disagreements.csv" in result.err
    as_json = run_cli("compare", shapes_run_copy.path, other, "--json", "--quiet")
    assert json.loads(as_json.out)["images"] == 24


def test_one_run_is_not_enough(run_cli: Callable[..., Any], shapes_run: Run) -> None:
    """A usage error, exit code 2."""
    result = run_cli("compare", shapes_run.path)
    assert result.code == 2
    assert "A comparison needs two runs or more" in result.err
