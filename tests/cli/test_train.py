"""``imgclf train`` as a person calls it: output, exit codes, signals."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from imgclf.runs import Run, list_runs
from tests.history import read_history

QUICK = ("--epochs", "1", "--batch-size", "9", "--precision", "fp32", "--device", "cpu", "--no-pretrained")


def test_trains_and_names_the_next_command(run_cli: Callable[..., Any], shapes: Path) -> None:
    """A table of results on stdout; epochs, files and the next command on stderr."""
    result = run_cli("train", "--data", shapes, *QUICK)
    assert result.code == 0
    assert "val accuracy" in result.out
    assert "Epoch   1  train loss" in result.err
    (run,) = list_runs()
    assert f"Wrote {run.model_file}" in result.err
    assert f"Next: imgclf evaluate --run {run.path}" in result.err


def test_json_for_programs(run_cli: Callable[..., Any], shapes: Path) -> None:
    """With --json and --quiet nothing but one JSON object is written."""
    result = run_cli("train", "--data", shapes, *QUICK, "--json", "--quiet")
    assert result.code == 0
    values = json.loads(result.out)
    assert values["epochs"] == 1
    assert Path(values["run"], "model.safetensors").is_file()
    assert "Epoch" not in result.err


def test_quiet_keeps_the_warnings(run_cli: Callable[..., Any], shapes: Path, tmp_path: Path) -> None:
    """That train and test share an image, and that a file cannot be read, is said whatever else is not."""
    data = Path(shutil.copytree(shapes, tmp_path / "photos"))
    shutil.copy(data / "train/circle/00.png", data / "test/circle/99.png")
    (data / "train/circle/broken.png").write_bytes(b"")
    result = run_cli("train", "--data", data, *QUICK, "--quiet")
    assert result.code == 0
    assert re.search(r"^Warning: .*in both train and test", result.err, flags=re.MULTILINE), result.err
    assert re.search(r"^Warning: Left out .*broken\.png: is empty", result.err, flags=re.MULTILINE), (
        result.err
    )
    assert [line for line in result.err.splitlines() if not line.startswith("Warning: ")] == []


def test_without_data_it_says_that_it_took_digits(run_cli: Callable[..., Any]) -> None:
    """The default is chosen aloud; the dry run trains nothing."""
    result = run_cli("train", "--dry-run", "--no-pretrained", "--precision", "fp32")
    assert result.code == 0
    assert "No --data given: training on the embedded digits." in result.err
    assert list_runs() == []


def test_dry_run_shows_config_sizes_picture_and_estimate(run_cli: Callable[..., Any], shapes: Path) -> None:
    """What would happen, before any epoch."""
    result = run_cli("train", "--data", shapes, *QUICK, "--dry-run", "--val-fraction", "0.25")
    assert result.code == 0
    for text in (
        'dataset = "',
        "54 train, 18 val, 24 test; 3 classes",
        "one step",
        "eval crop keeps",
        "100%",
    ):
        assert text in result.out, text
    assert Path("runs/dry-run/first-batch.png").read_bytes().startswith(b"\x89PNG")


def test_set_reaches_every_setting(run_cli: Callable[..., Any], shapes: Path) -> None:
    """A hidden head by --set is in the stored config."""
    result = run_cli(
        "train", "--data", shapes, *QUICK, "--set", "head.hidden=16", "--set", "optimizer.name=SGD"
    )
    assert result.code == 0
    (run,) = list_runs()
    assert "hidden = 16" in run.config.read_text()
    assert 'name = "SGD"' in run.config.read_text()


def test_mistyped_names_are_one_line_with_a_suggestion(run_cli: Callable[..., Any], shapes: Path) -> None:
    """Model, dataset and key: each error names the nearest."""
    for arguments, expected in (
        (("--model", "resnet99"), "resnet"),
        (("--data", "digts"), "Did you mean 'digits'?"),
        (("--data", str(shapes), "--set", "training.epoch=3"), "Did you mean 'epochs'?"),
    ):
        result = run_cli("train", *arguments)
        assert result.code == 1
        assert expected in result.err
        assert "Traceback" not in result.err


def test_contradicting_flags_are_refused(run_cli: Callable[..., Any], shapes_run_copy: Run) -> None:
    """Two sources of all settings, or a resumed run with another, are wrong usage."""
    both = run_cli("train", "--recipe", "cnn-cifar10", "--config", shapes_run_copy.path)
    assert both.code == 2
    assert "--recipe and --config both give all settings: leave one of them out." in both.err
    resumed = run_cli("train", "--resume", shapes_run_copy.path, "--recipe", "cnn-cifar10")
    assert resumed.code == 2
    assert "--resume continues with the run's own config" in resumed.err


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_run_resumes(
    run_cli: Callable[..., Any], shapes: Path, tmp_path: Path, number: int, code: int
) -> None:
    """Ctrl-C in a real process: exit 130 with everything saved, and --resume finishes it."""
    program = [sys.executable, "-m", "imgclf", "train", "--data", str(shapes), *QUICK, "--epochs", "400"]
    process = subprocess.Popen(program, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=dict(os.environ))
    _wait_for_first_epoch(tmp_path / "runs", process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code, stderr
    assert "everything is saved. Continue with: imgclf train --resume" in stderr
    assert "Traceback" not in stderr
    (run,) = list_runs(tmp_path / "runs")
    done = len(read_history(run))
    result = run_cli("train", "--resume", run.path, "--epochs", str(done + 2))
    assert result.code == 0, result.err
    assert len(read_history(run)) == done + 2


def test_a_killed_run_resumes(run_cli: Callable[..., Any], shapes: Path, tmp_path: Path) -> None:
    """SIGKILL leaves whole files: the run goes on from its last finished epoch."""
    program = [sys.executable, "-m", "imgclf", "train", "--data", str(shapes), *QUICK, "--epochs", "400"]
    process = subprocess.Popen(program, cwd=tmp_path, stderr=subprocess.DEVNULL, env=dict(os.environ))
    _wait_for_first_epoch(tmp_path / "runs", process)
    process.kill()
    process.wait()
    (run,) = list_runs(tmp_path / "runs")
    done = len(read_history(run))
    result = run_cli("train", "--resume", run.path, "--epochs", str(done + 1))
    assert result.code == 0, result.err


def _wait_for_first_epoch(runs: Path, process: "subprocess.Popen[Any]") -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        if any(run.history.exists() for run in list_runs(runs)):
            return
        time.sleep(0.05)
    pytest.fail("no epoch finished")
