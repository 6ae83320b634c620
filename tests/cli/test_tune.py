"""``imgclf tune`` as a person calls it."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

QUICK = (
    *("--model", "cnn3", "--epochs", "1", "--device", "cpu"),
    *("--set", "image.size=16", "--set", "training.batch_size=18", "--set", "hardware.precision=fp32"),
    *("--set", "model.pretrained=no", "--set", "data.val_fraction=0.25"),
)


def test_searches_resumes_and_names_the_next_command(run_cli: Callable[..., Any], shapes: Path) -> None:
    """A table and a verdict on stdout; trials, files and the next command on stderr; the recipe trains."""
    Path("space.toml").write_text('"optimizer.lr" = [0.001, 0.01]\n')
    result = run_cli(
        "tune", "--data", shapes, *QUICK, "--space", "space.toml", "--trials", "2", "--out", "found"
    )
    assert result.code == 0, result.err
    assert result.out.startswith("trial  state")
    assert "recipe as it is" in result.out
    assert "Trial   0  finished" in result.err
    assert "Wrote found/best.toml" in result.err
    assert "Next: imgclf train --recipe found/best.toml" in result.err
    more = run_cli("tune", "--resume", "found", "--trials", "3", "--json", "--quiet")
    assert more.code == 0, more.err
    values = json.loads(more.out)
    assert [trial["number"] for trial in values["trials"]] == [0, 1, 2]
    assert values["metric"] == "val_accuracy"
    assert run_cli("train", "--recipe", "found/best.toml", "--quiet").code == 0


def test_mistakes_are_one_line(run_cli: Callable[..., Any], shapes: Path) -> None:
    """A key that does not exist names the nearest; --resume goes alone."""
    Path("space.toml").write_text('"optimizr.lr" = [0.001, 0.01]\n')
    result = run_cli("tune", "--data", shapes, "--space", "space.toml")
    assert result.code == 1
    assert "Error: space.toml: Unknown key 'optimizr'. Did you mean 'optimizer'?" in result.err
    both = run_cli("tune", "--resume", "found", "--epochs", "3")
    assert both.code == 2
    assert "--resume continues a search with its own recipe and space" in both.err


def test_without_data_it_says_that_it_took_digits(run_cli: Callable[..., Any]) -> None:
    """The default is chosen aloud."""
    result = run_cli("tune", "--trials", "0")
    assert result.code == 1
    assert "No --data given: searching on the embedded digits." in result.err


def test_without_the_extra_it_says_how_to_get_it(tmp_path: Path) -> None:
    """One sentence with the command."""
    script = (
        "import sys; sys.modules['optuna'] = None; from imgclf.cli.main import main; sys.exit(main(['tune']))"
    )
    ended = subprocess.run(
        [sys.executable, "-c", script],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=dict(os.environ),
        timeout=120,
    )
    assert ended.returncode == 1
    assert (
        "Error: imgclf tune needs the extra 'tune'. Install it with: pip install 'imgclf[tune]'"
        in ended.stderr
    )
