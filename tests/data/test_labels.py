"""Labels as people write them: one rule for every format, gaps left out and told, lists refused with the row."""

from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from imgclf.data import open_dataset
from tests.data.layouts import error_of, labels, parquet, table


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (["0.0", "1.0", "", "nan"], ["0", "1"]),
        (["cat", "", " dog ", "nan"], ["cat", "dog", "nan"]),
        (["0", "1", "-1", "-1"], ["0", "1"]),
        (["-1", "1", "-1", "1"], ["-1", "1", "-1", "1"]),
        (['["cat"]', '["dog"]', "[]", "cat"], ["cat", "dog", "cat"]),
        (['{"choices": ["cat"]}', '{"choices": ["dog"]}', "cat", ""], ["cat", "dog", "cat"]),
        (["none", "mild", "none", ""], ["none", "mild", "none"]),
        (["tench, Tinca tinca", "pike", "a;b", "c"], ["tench, Tinca tinca", "pike", "a;b", "c"]),
    ],
)
def test_labels_of_a_csv(tmp_path: Path, written: list[str], expected: list[str]) -> None:
    """Whole floats are whole numbers, gaps are no class, lists of one are that one; names stay names."""
    rows = "".join(
        'img/{}.png\t"{}"\n'.format(row, cell.replace('"', '""')) for row, cell in enumerate(written)
    )
    dataset = open_dataset(table(tmp_path, f"path\tlabel\n{rows}", "labels.tsv"))
    assert labels(dataset) == expected


@pytest.mark.parametrize("cell", ["cat,dog", '["cat", "dog"]', '{"choices": ["cat", "dog"]}', "cat|dog"])
def test_several_labels_are_refused_with_the_row(tmp_path: Path, cell: str) -> None:
    """One class called 'cat,dog' is never learnt."""
    quoted = cell.replace('"', '""')
    path = table(tmp_path, f'path,label\nimg/0.png,cat\nimg/1.png,dog\nimg/2.png,"{quoted}"\n')
    assert error_of(path) == (
        f"{path}, line 4 has several labels (cat, dog). One label an image is learnt: keep one of them, or name another "
        f"column with --label-column."
    )


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ([0.0, 1.0, None, float("nan")], ["0", "1"]),
        ([b"cat", "Grün".encode("cp1252")], ["cat", "Grün"]),
        ([["cat"], ["dog"], []], ["cat", "dog"]),
        ([[0], [1]], ["0", "1"]),
        ([True, False], ["True", "False"]),
    ],
)
def test_labels_of_a_parquet_file(tmp_path: Path, cells: list[Any], expected: list[str]) -> None:
    """The same rule as for CSV; bytes are decoded."""
    assert labels(open_dataset(parquet(tmp_path, label=pa.array(cells)))) == expected


@pytest.mark.parametrize(
    ("cells", "sentence"),
    [
        (
            [0.5, 1.0],
            "row 1: the label 0.5 is a measure, not a class. Labels are names or whole numbers; name another",
        ),
        (
            [{"id": 0}, {"id": 1}],
            "row 1: the label is a dict, not a name. Labels are names or whole numbers; name",
        ),
        (
            [["a", "b"], ["a"]],
            "row 1 has several labels (a, b). One label an image is learnt: keep one of them, or",
        ),
    ],
)
def test_what_is_no_label_is_refused_by_type(tmp_path: Path, cells: list[Any], sentence: str) -> None:
    """The message has the row."""
    assert f"labels.parquet, {sentence}" in error_of(parquet(tmp_path, label=cells)) or (
        f"labels.parquet: {sentence}" in error_of(parquet(tmp_path, label=cells))
    )


def test_names_beside_numbers_are_the_labels(tmp_path: Path) -> None:
    """Hugging Face's label_text, in CSV and in Parquet."""
    text = "path,label,label_text\nimg/0.png,0,cat\nimg/1.png,1,dog\n"
    assert labels(open_dataset(table(tmp_path, text))) == ["cat", "dog"]
    assert labels(open_dataset(parquet(tmp_path, label=[1, 0], label_text=["dog", "cat"]))) == ["dog", "cat"]


def test_cp1252_labels_are_words(tmp_path: Path) -> None:
    """What a spreadsheet of an older Windows writes."""
    path = table(tmp_path, "")
    Path(path).write_bytes("path;label\nimg/0.png;Grün\nimg/1.png;Blau\n".encode("cp1252"))
    assert labels(open_dataset(path)) == ["Grün", "Blau"]


def test_one_hot_columns_are_one_label(tmp_path: Path) -> None:
    """Also where one of the classes is called target; two ones in a row are refused."""
    text = "filename,cat,target,dog\nimg/0.png,1,0,0\nimg/1.png,0,1,0\nimg/2.png,0,0,1\n"
    dataset = open_dataset(table(tmp_path, text))
    assert labels(dataset) == ["cat", "target", "dog"]
    path = table(tmp_path, "filename,cat,dog\nimg/0.png,1,0\nimg/1.png,1,1\n")
    assert error_of(path).startswith(f"{path}, line 3 has several labels (cat, dog).")


def test_flag_columns_beside_a_label_are_no_classes(tmp_path: Path) -> None:
    """`target` of 0 and 1 stays the label where the other flags say something else."""
    text = "path,target,is_old,blurred\nimg/0.png,1,1,0\nimg/1.png,0,1,1\nimg/2.png,1,0,0\nimg/3.png,0,0,0\n"
    assert labels(open_dataset(table(tmp_path, text))) == ["1", "0", "1", "0"]
