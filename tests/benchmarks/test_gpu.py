"""The prepared GPU run has no typing mistake: every step goes to its end on the CPU, with tiny sizes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

SCRIPT = Path(__file__).parents[2] / "benchmarks" / "gpu.py"


@pytest.mark.slow
def test_the_gpu_run_is_rehearsed(tmp_path: Path) -> None:
    """Each step is done, has rows, and stands in both files."""
    out = tmp_path / "gpu"
    command = [sys.executable, str(SCRIPT), "--rehearse", "--out", str(out)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=1500, cwd=tmp_path)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    results = json.loads((out / "gpu.json").read_text(encoding="utf-8"))
    assert [name for name, result in results.items() if result["ended"] != "done" or not result["rows"]] == []
    page = (out / "gpu.md").read_text(encoding="utf-8")
    assert all(f"| **{name}** | done |" in page for name in results)
    rows = dict(results["resuming"]["rows"])
    assert rows == {"epochs of the resumed run": 4, "largest difference of a weight": 0.0}


def test_the_plan_fits_nine_minutes() -> None:
    """The limits of the steps together are at most 540 seconds."""
    script = "import runpy, sys; sys.exit(sum(limit for limit, _ in runpy.run_path(sys.argv[1])['STEPS'].values()) > 540)"
    subprocess.run([sys.executable, "-c", script, str(SCRIPT)], check=True, timeout=120)
