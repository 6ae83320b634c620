"""Files of predictions: complete rows, resumable, never mixed, never overwritten unasked."""

import csv
import json
from collections.abc import Sequence
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from imgclf.errors import RunError, UsageError
from imgclf.inference.outputs import Layout, check_output, open_output
from imgclf.inference.outputs.parquet import ParquetOutput
from imgclf.records import Prediction

NAMES = ("cat", "dog")
LAYOUT = Layout(NAMES, top_k=5, with_probabilities=False, model="0123")


def answer(file: str, cat: float = 0.75) -> Prediction:
    """An answer of a model with two classes."""
    pairs = (("cat", cat), ("dog", 1 - cat))
    best = tuple(sorted(pairs, key=lambda pair: -pair[1]))
    return Prediction(file, best[0][0], best[0][1], dict(pairs), best)


BROKEN = Prediction("broken.jpg", error="is empty (0 bytes)")


def read(path: Path) -> list[dict[str, str]]:
    """The rows of an output of any format."""
    if path.suffix == ".parquet":
        return pq.read_table(path).to_pylist()
    text = path.read_text(encoding="utf-8")
    if path.suffix == ".jsonl":
        return [json.loads(line) for line in text.splitlines()]
    return list(csv.DictReader(text.splitlines()))


def write(path: Path, answers: Sequence[Prediction], resume: bool = False, finished: bool = True) -> None:
    """Write one group of answers."""
    output = open_output(path, LAYOUT, resume=resume)
    output.write(answers)
    output.close(finished)


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_written_and_read_back(tmp_path: Path, ending: str) -> None:
    """Every format keeps label, confidence, best classes, error and model."""
    path = tmp_path / "new" / f"out.{ending}"
    write(path, [answer("a.png"), BROKEN])
    first, second = read(path)
    assert (first["file"], first["label"], float(first["confidence"])) == ("a.png", "cat", 0.75)
    best = first["top_k"][1]["label"] if ending == "jsonl" else first["top2_label"]
    assert best == "dog"
    assert (second["error"], second["label"] or None) == ("is empty (0 bytes)", None)
    assert first["model"] == "0123"


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_resumed_after_an_interruption(tmp_path: Path, ending: str) -> None:
    """An unfinished output is continued: earlier names are known, rows come in order, none twice."""
    path = tmp_path / f"out.{ending}"
    write(path, [answer("a.png"), BROKEN], finished=False)
    output = open_output(path, LAYOUT, resume=True)
    assert "a.png" in output.earlier
    assert "b.png" not in output.earlier
    assert (len(output.earlier), output.earlier.unreadable) == (2, 1)
    output.write([answer("b.png")])
    output.close(True)
    assert [row["file"] for row in read(path)] == ["a.png", "broken.jpg", "b.png"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_resumed_after_it_was_finished(tmp_path: Path, ending: str) -> None:
    """More images can be added to a finished output."""
    path = tmp_path / f"out.{ending}"
    write(path, [answer("a.png")])
    write(path, [answer("b.png")], resume=True)
    assert [row["file"] for row in read(path)] == ["a.png", "b.png"]
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("ending", ["csv", "jsonl"])
@pytest.mark.parametrize("cut", [1, 5, 30])
def test_torn_last_line_is_dropped_on_resuming(tmp_path: Path, ending: str, cut: int) -> None:
    """What a crash or a full disk left of the last row is written again."""
    path = tmp_path / f"out.{ending}"
    write(path, [answer("a.png"), answer("b.png")])
    path.write_bytes(path.read_bytes()[:-cut])
    output = open_output(path, LAYOUT, resume=True)
    assert ("a.png" in output.earlier, "b.png" in output.earlier) == (True, False)
    output.write([answer("b.png")])
    output.close(True)
    assert [row["file"] for row in read(path)] == ["a.png", "b.png"]


def test_torn_heading_is_written_again(tmp_path: Path) -> None:
    """A CSV file that holds half a heading starts anew."""
    path = tmp_path / "out.csv"
    path.write_text("file,lab")
    write(path, [answer("a.png")], resume=True)
    assert [row["file"] for row in read(path)] == ["a.png"]


def test_torn_tail_longer_than_a_piece(tmp_path: Path) -> None:
    """The search for the last whole line goes back as far as it must."""
    path = tmp_path / "out.jsonl"
    write(path, [answer("a.png")])
    with path.open("ab") as file:
        file.write(b'{"file": "' + b"x" * 200_000)
    write(path, [answer("b.png")], resume=True)
    assert [row["file"] for row in read(path)] == ["a.png", "b.png"]


def test_parquet_joins_its_parts(tmp_path: Path) -> None:
    """Rows go to parts while the work lasts, and to one file at its end."""
    path = tmp_path / "out.parquet"
    output = ParquetOutput(path, LAYOUT, resume=False, rows_per_part=2)
    for number in range(5):
        output.write([answer(f"{number}.png")])
    assert not path.exists()
    assert len(list((tmp_path / "out.parquet.parts").iterdir())) == 2
    output.close(True)
    assert [row["file"] for row in read(path)] == [f"{number}.png" for number in range(5)]
    assert not (tmp_path / "out.parquet.parts").exists()


def test_parquet_parts_that_were_joined_already_are_dropped(tmp_path: Path) -> None:
    """A call that was killed between joining and tidying up leaves no row twice."""
    path, parts = tmp_path / "out.parquet", tmp_path / "out.parquet.parts"
    write(path, [answer("a.png")], finished=False)
    part = (parts / "part-000000.parquet").read_bytes()
    write(path, [], resume=True)
    parts.mkdir()
    (parts / "part-000000.parquet").write_bytes(part)
    write(path, [answer("b.png")], resume=True)
    assert [row["file"] for row in read(path)] == ["a.png", "b.png"]


def test_old_parquet_is_whole_until_the_new_one_is(tmp_path: Path) -> None:
    """Starting anew replaces the old file only at the end."""
    path = tmp_path / "out.parquet"
    write(path, [answer("old.png")])
    output = open_output(path, LAYOUT)
    output.write([answer("new.png")])
    assert [row["file"] for row in read(path)] == ["old.png"]
    output.close(True)
    assert [row["file"] for row in read(path)] == ["new.png"]


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_another_models_answers_are_not_mixed_in(tmp_path: Path, ending: str) -> None:
    """An output remembers which model wrote it."""
    path = tmp_path / f"out.{ending}"
    write(path, [answer("a.png")])
    with pytest.raises(UsageError) as caught:
        open_output(path, Layout(NAMES, 5, False, "4567"), resume=True)
    assert str(caught.value) == (
        f"{path}: holds the answers of another model (fingerprint 0123, this one is 4567). "
        f"Give another --output, or start it anew with --overwrite."
    )


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_other_columns_are_not_mixed_in(tmp_path: Path, ending: str) -> None:
    """A table has one set of columns."""
    path = tmp_path / f"out.{ending}"
    write(path, [answer("a.png")])
    with pytest.raises(UsageError) as caught:
        open_output(path, Layout(NAMES, 1, False, "0123"), resume=True)
    assert str(caught.value) == (
        f"{path}: has other columns (9) than this call would write (7). "
        f"Use the same --top-k and --probabilities, or --overwrite."
    )


def test_foreign_lines_are_refused(tmp_path: Path) -> None:
    """A file of something else is not continued."""
    path = tmp_path / "out.jsonl"
    path.write_text("[1]\n")
    with pytest.raises(UsageError) as caught:
        open_output(path, LAYOUT, resume=True)
    assert str(caught.value) == (
        f"{path}: line 1 is no prediction of ours. Give another --output, or start it anew with --overwrite."
    )


def test_foreign_parquet_is_refused(tmp_path: Path) -> None:
    """A file that only has the name of Parquet is named."""
    path = tmp_path / "out.parquet"
    path.write_text("no parquet")
    with pytest.raises(RunError, match=r"out\.parquet: not a readable Parquet file \(.*\)\. Start anew"):
        open_output(path, LAYOUT, resume=True)


@pytest.mark.parametrize(
    ("name", "flags", "sentence"),
    [
        (
            "a.txt",
            {},
            "The output 'a.txt' must end in .csv, .jsonl or .parquet; the ending chooses the format.",
        ),
        (
            "there.csv",
            {},
            "The output 'there.csv' exists. Go on after what it has with --resume, or start anew with --overwrite.",
        ),
        (
            "half.parquet",
            {},
            "The output 'half.parquet' exists. Go on after what it has with --resume, or start anew with "
            "--overwrite.",
        ),
        (
            "folder.csv",
            {"overwrite": True},
            "The output 'folder.csv' is a folder; name a file that ends in .csv, .jsonl or .parquet.",
        ),
        (
            "a.csv",
            {"resume": True, "overwrite": True},
            "--resume keeps what the output has and --overwrite drops it: give one of them.",
        ),
    ],
)
def test_outputs_that_cannot_be_are_refused(name: str, flags: dict[str, bool], sentence: str) -> None:
    """Before a model is loaded, a person hears what is wrong with the output."""
    Path("there.csv").touch()
    Path("folder.csv").mkdir()
    Path("half.parquet.parts").mkdir()
    with pytest.raises(UsageError) as caught:
        check_output(Path(name), **flags)
    assert str(caught.value) == sentence


def test_full_disk_says_how_to_go_on() -> None:
    """A write that fails is an error with the way out (Linux has a device that is always full)."""
    if not Path("/dev/full").exists():
        pytest.skip("there is no /dev/full on this system")
    path = Path("out.csv")
    path.symlink_to("/dev/full")
    with pytest.raises(RunError) as caught:
        open_output(path, LAYOUT)
    assert str(caught.value) == (
        "out.csv: could not be written (No space left on device). "
        "Free some space or choose another place, then go on with --resume."
    )


def test_csv_row_is_one_line_whatever_a_class_is_called(tmp_path: Path) -> None:
    """Line breaks in names are escaped, commas and quotes quoted."""
    path = tmp_path / "out.csv"
    layout = Layout(("two\nlines", 'a "b", c'), 2, True, "0123")
    output = open_output(path, layout)
    rows = (("two\nlines", 0.5), ('a "b", c', 0.5))
    output.write([Prediction("x.png", "two\nlines", 0.5, dict(rows), rows)])
    output.close(True)
    assert len(path.read_text().splitlines()) == 2
    (row,) = read(path)
    assert (row["label"], row["top2_label"], row['probability_a "b", c']) == (
        "two\\nlines",
        'a "b", c',
        "0.5",
    )
