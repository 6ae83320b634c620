"""The run directory: made, found, read and written."""

import re
from datetime import datetime
from pathlib import Path

import pytest

from imgclf import folders
from imgclf.errors import RunError
from imgclf.runs import Run, create_run, latest_run, list_runs, open_run


def make_run(parent: Path, name: str, status: str | None = "finished") -> Run:
    """Make a run as training leaves it: config, model file and status."""
    run = Run(parent / name)
    run.path.mkdir(parents=True)
    run.config.touch()
    run.model_file.touch()
    if status:
        run.update_metrics({"status": status})
    return run


def test_new_run_is_named_after_time_model_and_dataset(tmp_path: Path) -> None:
    """Odd characters of a path or hub name are replaced, and letters of any script stay."""
    run = create_run(tmp_path / "runs", "resnet18.a1_in1k", "hf:owner/Städte & co")
    assert run.path.is_dir()
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-resnet18\.a1_in1k-Städte---co", run.name)


def test_runs_of_the_same_second_get_a_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing is overwritten, and after a hundred the message says to wait."""

    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> "Stopped":
            return cls(2026, 11, 21, 12, 0, 0)

    monkeypatch.setattr(folders, "datetime", Stopped)
    names = [create_run(tmp_path, "m", "d").name for _ in range(2)]
    assert names == ["2026-11-21-120000-m-d", "2026-11-21-120000-m-d-2"]
    for _ in range(97):
        create_run(tmp_path, "m", "d")
    sentence = f"{tmp_path}: a hundred runs were started in this very second. Wait a second and start again."
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        create_run(tmp_path, "m", "d")


def test_parent_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    """The message names the flag that chooses another."""
    (tmp_path / "file").touch()
    parent = tmp_path / "file" / "runs"
    sentence = f"{parent}: a run cannot be written there (Not a directory). Choose another folder with --out."
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        create_run(parent, "m", "d")


def test_run_opens_by_path_by_name_and_by_model_file(tmp_path: Path) -> None:
    """`runs/` of the working folder is where names are looked up."""
    run = make_run(tmp_path / "runs", "a")
    assert open_run(run.path).path == run.path
    assert open_run("a").path.resolve() == run.path
    assert open_run(run.model_file).path == run.path


def test_folder_that_is_no_run_is_said_to_be_none(tmp_path: Path) -> None:
    """It names what is missing in it."""
    sentence = f"{tmp_path}: a folder, but not a run (no config.toml and no model.safetensors in it)."
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        open_run(tmp_path)


def test_unknown_run_names_the_newest(tmp_path: Path) -> None:
    """The last three of `runs/`, or how to make one."""
    with pytest.raises(RunError, match=r"^There is no run 'x'\. Train one with: imgclf train$"):
        open_run("x")
    for name in "abcd":
        make_run(tmp_path / "runs", name)
    with pytest.raises(RunError, match=r"^There is no run 'x'\. The newest in 'runs': b, c, d\.$"):
        open_run("x")


def test_latest_run_is_the_newest_finished_one(tmp_path: Path) -> None:
    """One that still runs, or failed, is passed over."""
    parent = tmp_path / "runs"
    make_run(parent, "1")
    make_run(parent, "2")
    make_run(parent, "3", status="running")
    make_run(parent, "4", status=None)
    (parent / "5").mkdir()
    assert latest_run(parent).name == "2"
    assert [run.name for run in list_runs(parent)] == ["1", "2", "3", "4"]


def test_no_finished_run_says_how_to_make_one(tmp_path: Path) -> None:
    """An empty or missing folder is no traceback."""
    sentence = f"There is no finished run in '{tmp_path / 'runs'}'. Train one with: imgclf train"
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        latest_run(tmp_path / "runs")


def test_metrics_are_laid_over_each_other(tmp_path: Path) -> None:
    """A damaged file counts as none."""
    run = Run(tmp_path)
    assert run.read_metrics() == {}
    run.update_metrics({"status": "running"})
    run.update_metrics({"accuracy": 0.5})
    assert run.read_metrics() == {"status": "running", "accuracy": 0.5}
    run.metrics.write_text("{", encoding="utf-8")
    assert run.read_metrics() == {}


def test_files_that_are_no_run_are_told_what_they_are(tmp_path: Path) -> None:
    """A checkpoint names its run; anything else hears what is expected."""
    checkpoint, other = tmp_path / "last.ckpt", tmp_path / "a.bin"
    for file in (checkpoint, other):
        file.write_bytes(b"x")
    sentence = f"{checkpoint}: the training state of a run, which only --resume takes. Name the run itself: {tmp_path}"
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        open_run(checkpoint)
    sentence = (
        f"{other}: no model that can be opened. Expected a run, its model.safetensors, or a file that imgclf export "
        f"wrote."
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        open_run(other)
