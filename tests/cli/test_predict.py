"""``imgclf predict``: arguments, outputs, resuming, exit codes."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from imgclf.runs import Run, read_header, update_header
from tests.bad_files import make_bad_files

Cli = Callable[..., Any]


def test_json_lines_in_a_pipe(run_cli: Cli, shapes: Path, shapes_run: Run) -> None:
    """Without a terminal every image is one JSON object on stdout, and words go to stderr."""
    result = run_cli("predict", shapes / "test", "--run", shapes_run.path, "--device", "cpu")
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 0
    assert len(rows) == 24
    assert rows[0].keys() == {"file", "label", "confidence", "error", "top_k"}
    assert "24 images in" in result.err


def test_newest_run_is_taken_and_named(run_cli: Cli, shapes: Path, shapes_run_copy: Run) -> None:
    """Without --run the newest finished run answers, and the command says which."""
    result = run_cli("predict", shapes / "test" / "circle" / "00.png", "--device", "cpu")
    assert result.code == 0
    assert f"The newest finished run: runs/{shapes_run_copy.name}" in result.err


def test_table_on_a_terminal(
    run_cli: Cli, shapes: Path, shapes_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person at a terminal gets a table with the runners-up."""
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    image = shapes / "test" / "circle" / "00.png"
    monkeypatch.chdir(image.parent)
    result = run_cli("predict", "00.png", "none.png", "--run", shapes_run.path, "--device", "cpu")
    assert result.code == 3
    assert "confidence" in result.out
    assert "does not exist" in result.out
    assert "%" in result.out


def test_unreadable_images_have_rows_and_exit_code_three(
    run_cli: Cli, shapes: Path, shapes_run: Run, tmp_path: Path
) -> None:
    """Each unreadable file is named with its reason; readable ones keep their answers."""
    broken = tmp_path / "broken.jpg"
    broken.touch()
    sound = shapes / "test" / "circle" / "00.png"
    result = run_cli("predict", broken, sound, "--run", shapes_run.path, "--device", "cpu")
    first, second = map(json.loads, result.out.splitlines())
    assert result.code == 3
    assert (first["file"], first["label"], first["error"]) == (str(broken), None, "is empty (0 bytes)")
    assert second["error"] is None
    assert "Warning: 1 could not be read; their rows say why (exit code 3)." in result.err


def test_every_bad_file_has_its_own_row(run_cli: Cli, shapes_run: Run, tmp_path: Path) -> None:
    """A folder of every damaged and odd file: a row each, errors where there must be, no crash and no hang."""
    files = make_bad_files(tmp_path / "bad")
    result = run_cli(
        "predict",
        *(file.path for file in files),
        "--run",
        shapes_run.path,
        "--device",
        "cpu",
        "--batch-size",
        "4",
    )
    rows = [json.loads(line) for line in result.out.splitlines()]
    assert result.code == 3
    assert len(rows) == len(files)
    for row, file in zip(rows, files, strict=True):
        assert (row["error"] is None) == (file.kind is None), (file.path, row)
        assert (row["label"] is None) == (file.kind is not None)
        assert file.says in (row["error"] or file.says) or file.path.is_dir()


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_output_is_resumed(run_cli: Cli, shapes: Path, shapes_run: Run, ending: str) -> None:
    """--resume answers only what is missing; without a word the existing file is refused."""
    arguments = ("--run", shapes_run.path, "--device", "cpu", "--output", f"out.{ending}")
    assert run_cli("predict", shapes / "test" / "circle", *arguments).code == 0
    refused = run_cli("predict", shapes / "test", *arguments)
    assert refused.code == 2
    assert f"Error: The output 'out.{ending}' exists." in refused.err
    resumed = run_cli("predict", shapes / "test", *arguments, "--resume")
    assert resumed.code == 0
    assert "16 images in" in resumed.err
    assert "8 were in the output already." in resumed.err
    path = Path(f"out.{ending}")
    count = pq.read_metadata(path).num_rows if ending == "parquet" else len(path.read_text().splitlines())
    assert count == (25 if ending == "csv" else 24)
    anew = run_cli("predict", shapes / "test" / "square", *arguments, "--overwrite")
    assert "8 images in" in anew.err


def test_resume_knows_the_same_folder_by_another_name(
    run_cli: Cli, shapes: Path, shapes_run_copy: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """``photos``, ``./photos`` and ``photos/../photos`` are one; a temperature fitted meanwhile is no other model."""
    output = tmp_path / "p.csv"
    monkeypatch.chdir(shapes)
    arguments = ["--run", shapes_run_copy.path.absolute(), "--device", "cpu", "--output", output]
    assert run_cli("predict", "test", *arguments).code == 0
    header = read_header(shapes_run_copy.model_file.absolute())
    update_header(shapes_run_copy.model_file.absolute(), replace(header, temperature=1.5, threshold=0.2))
    for name in ("./test", "test/../test", "test/"):
        again = run_cli("predict", name, *arguments, "--resume")
        assert again.code == 0, again.err
        assert "24 were in the output already." in again.err
    other = {**header.to_dict(), "class_names": ["a", "b", "c"]}
    update_header(shapes_run_copy.model_file.absolute(), type(header).from_dict(other))
    assert "holds the answers of another model" in run_cli("predict", "test", *arguments, "--resume").err


def test_output_through_a_folder_that_is_not_there_makes_none(
    run_cli: Cli, shapes: Path, shapes_run: Run, tmp_path: Path
) -> None:
    """``missing/../p.csv`` is ``p.csv``."""
    image = shapes / "test/circle/00.png"
    output = tmp_path / "missing" / ".." / "p.csv"
    assert run_cli("predict", image, "--run", shapes_run.path, "--output", output).code == 0
    assert (tmp_path / "p.csv").is_file()
    assert not (tmp_path / "missing").exists()


def test_resume_remembers_unreadable_images(run_cli: Cli, shapes: Path, shapes_run: Run) -> None:
    """An error of the first call still makes the exit code 3 when the second one finds nothing new to do."""
    Path("broken.jpg").touch()
    arguments = ("predict", "broken.jpg", "--run", shapes_run.path, "--device", "cpu", "--output", "out.csv")
    assert run_cli(*arguments).code == 3
    assert run_cli(*arguments, "--resume").code == 3


def test_probabilities_top_k_and_threshold(run_cli: Cli, shapes: Path, shapes_run: Run) -> None:
    """The flags reach the rows: every class, a clamped list, and unknown below the threshold."""
    image = shapes / "test" / "circle" / "00.png"
    common = ("--run", shapes_run.path, "--device", "cpu")
    (line,) = run_cli("predict", image, *common, "--probabilities", "--top-k", "50").out.splitlines()
    row = json.loads(line)
    assert list(row["probabilities"]) == ["circle", "square", "triangle"]
    assert len(row["top_k"]) == 3
    assert 1 / 3 < row["confidence"] < 1
    for threshold, label in (
        (row["confidence"] - 0.01, row["label"]),
        ((row["confidence"] + 1) / 2, "unknown"),
    ):
        wanted = ("--top-k", "1", "--threshold", str(threshold))
        (line,) = run_cli("predict", image, *common, *wanted).out.splitlines()
        assert len(json.loads(line)["top_k"]) == 1
        assert json.loads(line)["label"] == label


@pytest.mark.parametrize(
    ("arguments", "code", "sentence"),
    [
        (["*.gif"], 2, "No file matches the pattern '*.gif'."),
        (["-", "a.png"], 2, "'-' reads the list of images from stdin: give no other images beside it."),
        (["a.png", "--resume"], 2, "--resume and --overwrite are about a file: name it with --output FILE."),
        (
            ["a.png", "--run", "x", "--model-file", "y"],
            2,
            "--run and --model-file both name a model: give one of them.",
        ),
        (
            ["a.png", "--run", "x", "--batch-size", "0"],
            2,
            "The batch size is '0', but it must be auto or a number from 1.",
        ),
        (["a.png"], 1, "There is no finished run in 'runs'. Train one with: imgclf train"),
    ],
)
def test_wrong_usage_is_one_sentence(run_cli: Cli, arguments: list[str], code: int, sentence: str) -> None:
    """What does not fit is said before any model is loaded."""
    result = run_cli("predict", *arguments)
    assert (result.code, result.out, result.err) == (code, "", f"Error: {sentence}\n")


def test_names_that_are_no_text(shapes: Path, shapes_run: Run, tmp_path: Path) -> None:
    """Names with a line break or with bytes that are no UTF-8, listed on stdin, come out escaped and readable."""
    content = (shapes / "test" / "circle" / "00.png").read_bytes()
    names = [b"new\nline.png", b"caf\xe9.png", b"a.jpg?v=1"]
    for name in names:
        Path(os.fsdecode(os.path.join(os.fsencode(tmp_path), name))).write_bytes(content)  # noqa: PTH118
    command = [
        sys.executable,
        "-m",
        "imgclf",
        "predict",
        "-",
        "--run",
        str(shapes_run.path),
        "--device",
        "cpu",
    ]
    done = subprocess.run(
        command, input=b"\0".join(names), capture_output=True, check=False, cwd=tmp_path, timeout=300
    )
    rows = [json.loads(line) for line in done.stdout.decode("utf-8").splitlines()]
    assert [row["file"] for row in rows] == ["new\\nline.png", "caf\\xe9.png", "a.jpg?v=1"]
    assert all(row["label"] for row in rows)
    assert done.returncode == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals work differently there")
def test_stopped_by_a_signal_keeps_whole_rows(shapes: Path, shapes_run: Run, tmp_path: Path) -> None:
    """SIGTERM ends with 143, a sentence, and a file of whole rows that --resume goes on from."""
    images = [str(path) for path in sorted((shapes / "test").glob("*/*.png"))]
    read_end, write_end = os.pipe()
    arguments = ["--run", str(shapes_run.path), "--device", "cpu", "--output", "out.csv", "--batch-size", "1"]
    command = [sys.executable, "-m", "imgclf", "predict", "-", *arguments]
    process = subprocess.Popen(command, stdin=read_end, stderr=subprocess.PIPE, cwd=tmp_path)
    os.close(read_end)
    # An endless list: copies of the images under many names, fed until rows arrive.
    os.write(write_end, ("\n".join(images * 20) + "\n").encode())
    output = tmp_path / "out.csv"
    deadline = time.monotonic() + 120
    while time.monotonic() < deadline and not (output.exists() and len(output.read_text().splitlines()) > 3):
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, err = process.communicate(timeout=120)
    os.close(write_end)
    assert process.returncode == 143
    assert b"go on with --resume." in err
    assert output.read_bytes().endswith(b"\n")
