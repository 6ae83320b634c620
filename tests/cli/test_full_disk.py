"""A full disk: every command ends with one line, exit 1, and what was there before."""

import os
import resource
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib  # noqa: F401 - it tries shared memory as it is imported, and warns where there is none
import pytest

if TYPE_CHECKING:
    from imgclf.runs import Run

RunCli = Callable[..., Any]


@contextmanager
def _no_room(bytes_left: int = 0) -> Iterator[None]:
    """No file grows beyond this many bytes: the system says "File too large" as a full disk says "No space"."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (bytes_left, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def _contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


COMMANDS = {
    "evaluate": ["evaluate", "--run", "RUN", "--no-grad-cam"],
    "explain": ["explain", "IMAGE", "--run", "RUN", "--out", "OUT"],
    "embed": ["embed", "--run", "RUN", "--pca", "--out", "OUT"],
    "eda": ["eda", "--data", "DATA", "--out", "OUT", "--no-cache"],
    "export": ["export", "torch", "--run", "RUN", "--output", "OUT/model.pt2"],
    "train": ["train", "--data", "DATA", "--epochs", "1", "--model", "resnet9", "--out", "OUT"],
    "review": ["review", "apply", "REVIEW", "--run", "RUN", "--output", "OUT/manifest.csv"],
    "compare": ["compare", "RUN", "OTHER", "--out", "OUT"],
    "tune": ["tune", "--data", "DATA", "--epochs", "1", "--trials", "1", "--out", "OUT"],
    "new key": ["serve", "--new-key", "me", "--api-key-file", "OUT/keys.txt"],
    "predict csv": ["predict", "IMAGE", "--run", "RUN", "--output", "OUT/p.csv"],
    "predict jsonl": ["predict", "IMAGE", "--run", "RUN", "--output", "OUT/p.jsonl"],
    "predict parquet": ["predict", "IMAGE", "--run", "RUN", "--output", "OUT/p.parquet"],
}


@pytest.mark.parametrize("name", COMMANDS)
def test_every_writer_says_it_in_one_line(
    run_cli: RunCli, shapes: Path, shapes_run_copy: "Run", tmp_path: Path, name: str
) -> None:
    """Not a traceback, and no library's words; what was in the run before is as it was."""
    review = tmp_path / "review.csv"
    review.write_text(
        "file,split,label,suggested,label_confidence,suggested_confidence,new_label\n"
        "test/circle/00.png,test,circle,square,0.1,0.9,drop\n"
    )
    other = shutil.copytree(shapes_run_copy.path, tmp_path / "other")
    places = {
        "RUN": str(shapes_run_copy.path),
        "IMAGE": str(shapes / "test/circle/00.png"),
        "DATA": str(shapes),
        "REVIEW": str(review),
        "OTHER": str(other),
        "OUT": str(tmp_path / "out"),
    }
    (tmp_path / "out").mkdir()
    arguments = [
        "/".join(places.get(part, part) for part in argument.split("/")) if argument[0] != "/" else argument
        for argument in COMMANDS[name]
    ]
    before = _contents(shapes_run_copy.path)
    with _no_room():
        result = run_cli(*arguments)
    assert result.code == (2 if name == "new key" else 1), result.out + result.err
    said = [line for line in result.err.splitlines() if line.startswith("Error: ")]
    assert len(said) == 1, result.err
    assert "File too large" in said[0]
    assert "Traceback" not in result.err
    assert "[Errno" not in result.err
    after = _contents(shapes_run_copy.path)
    assert {file: after[file] for file in before} == before


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_overwriting_on_a_full_disk_leaves_the_old_predictions(
    run_cli: RunCli, shapes: Path, shapes_run: "Run", tmp_path: Path, ending: str
) -> None:
    """The new rows stand beside the old file until all are there."""
    file = tmp_path / f"p.{ending}"
    arguments = ["predict", shapes / "test", "--run", shapes_run.path, "--output", file]
    assert run_cli(*arguments).code == 0
    old = file.read_bytes()
    with _no_room(500):
        result = run_cli(*arguments, "--overwrite")
    assert result.code == 1
    assert "what was there before is intact" in result.err.lower()
    assert file.read_bytes() == old
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []
    assert run_cli(*arguments, "--overwrite").code == 0
    assert file.read_bytes() == old


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
@pytest.mark.parametrize(
    "arguments",
    [
        ["models", "resnet18"],
        ["models", "resnet18", "--json"],
        ["datasets", "--json"],
        ["recipes"],
        ["--help"],
        ["--version"],
    ],
)
def test_stdout_on_a_full_disk_is_one_line(arguments: list[str]) -> None:
    """Python itself says nothing more at its end."""
    with Path("/dev/full").open("w") as full:
        ended = subprocess.run(
            [sys.executable, "-m", "imgclf", *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            check=False,
            timeout=120,
            env={**os.environ, "PYTHONWARNINGS": "ignore"},
        )
    said = ended.stderr.splitlines()
    assert ended.returncode == 1
    sentence = (
        "stdout: could not be written (No space left on device). Free some space or choose another place."
    )
    assert said[-1] == f"Error: {sentence}"
    assert "Traceback" not in ended.stderr
    assert "Exception ignored" not in ended.stderr
