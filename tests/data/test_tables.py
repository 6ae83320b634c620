"""Tables as programs write them: dialects of CSV, columns by name or wish, splits, pictures behind rows."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import open_dataset
from imgclf.data.images.preparation import AsItIs
from imgclf.data.labels.reading import Wishes
from imgclf.data.loading.decoded_cache import cache_key
from tests.data.layouts import error_of, labels, parquet, sizes, table, tree


@pytest.mark.parametrize("in_folder", [False, True])
def test_split_column_counts_in_a_file_and_in_a_folder(tmp_path: Path, in_folder: bool) -> None:
    """One rule for both; fastai's is_valid, too."""
    path = parquet(tmp_path / "data", label=list("abab"), split=["train", "train", "test", "test"])
    spec = str(Path(path).parent) if in_folder else path
    if in_folder:
        Path(path).rename(Path(path).with_name("part-0.parquet"))
    assert sizes(open_dataset(spec)) == {"train": 2, "test": 2}
    text = "path,label,is_valid\nimg/0.png,a,False\nimg/1.png,b,False\nimg/2.png,a,True\nimg/3.png,b,True\n"
    assert sizes(open_dataset(table(tmp_path, text))) == {"train": 2, "val": 2}


def test_column_that_looks_like_a_split_and_is_not_used_is_named(tmp_path: Path) -> None:
    """`fold` says nothing of train and test by itself."""
    path = table(tmp_path, "path,label,fold\nimg/0.png,a,0\nimg/1.png,b,1\n")
    assert open_dataset(path).warnings == (
        f"The column 'fold' of {path} looks like a split and is not used: all rows are train. Choose with --split-column.",
    )
    assert open_dataset(path, wishes=Wishes(split_column="")).warnings == ()


def test_columns_can_be_named(tmp_path: Path) -> None:
    """A wish goes before every usual name; one that is not there is an error."""
    path = table(
        tmp_path,
        "path,label,diagnosis,part\nimg/0.png,x,mild,train\nimg/1.png,y,severe,test\nimg/2.png,y,severe,train\n",
    )
    dataset = open_dataset(path, wishes=Wishes(label_column="Diagnosis", split_column="part"))
    assert (labels(dataset), sizes(dataset)) == (["mild", "severe"], {"train": 2, "test": 1})
    assert error_of(path, label_column="diagnosys") == (
        f"{path} has no column 'diagnosys'. Did you mean 'diagnosis'? It has: path, label, diagnosis, part."
    )


def test_usual_names_win_among_several_columns(tmp_path: Path) -> None:
    """Bytes before text, `image` before `mask`, `label` before another ClassLabel."""
    import json

    content = [(tree(tmp_path, "img/0.png", "img/1.png") / f"img/{row}.png").read_bytes() for row in (0, 1)]
    image = [{"bytes": each, "path": None} for each in content]
    mask = [{"bytes": b"mask", "path": None}] * 2
    features = {
        "mask": {"_type": "Image"},
        "image": {"_type": "Image"},
        "season": {"_type": "ClassLabel", "names": ["summer", "winter"]},
        "label": {"_type": "ClassLabel", "names": ["cat", "dog"]},
    }
    columns = {"mask": mask, "image": image, "season": [0, 0], "label": [0, 1], "path": ["x.png", "y.png"]}
    metadata = {"huggingface": json.dumps({"info": {"features": features}})}
    pq.write_table(pa.table(columns).replace_schema_metadata(metadata), tmp_path / "train.parquet")
    dataset = open_dataset(str(tmp_path / "train.parquet"))
    assert list(dataset.splits["train"].images) == content
    assert dataset.class_names == ("cat", "dog")
    plain = pa.table({"path": ["x.png", "y.png"], "image": content, "label": ["a", "b"]})
    pq.write_table(plain, tmp_path / "plain.parquet")
    assert list(open_dataset(str(tmp_path / "plain.parquet")).splits["train"].images) == content


def test_changed_pictures_behind_a_parquet_file_are_decoded_again(tmp_path: Path) -> None:
    """The key of decoded pixels holds path, size and time of every file that a row names."""
    tree(tmp_path, "img/0.png", "img/1.png")
    rows = [{"bytes": None, "path": f"img/{number}.png"} for number in (0, 1)]
    for column in ([row["path"] for row in rows], rows):
        pq.write_table(pa.table({"image": column, "label": ["a", "b"]}), tmp_path / "train.parquet")
        images = open_dataset(str(tmp_path)).splits["train"].images
        before = cache_key(images, AsItIs(3, 64))
        assert before == cache_key(images, AsItIs(3, 64))
        os.utime(tmp_path / "img/1.png", ns=(1, 1 + len(str(column))))
        assert cache_key(images, AsItIs(3, 64)) != before


@pytest.mark.parametrize(
    "text",
    [
        "sep=;\npath;label\nimg/0.png;a\nimg/1.png;b\n",
        "img/0.png,a\nimg/1.png,b\n",
        "path,label\n img/0.png,a\nfile://{folder}/img/1.png,b\n",
        "path,label\nimg\\0.png,a\n0.png,b\n",
        "path,label\n{folder}/img/0.png,a\nimg/1,b\n",
        "train,img/0.png,a\ntrain,img/1.png,b\n",
    ],
)
def test_csv_in_many_dialects(tmp_path: Path, text: str) -> None:
    """Excel's first line, no heading, spaces, backslashes, addresses of files, folders beside, no extension."""
    dataset = open_dataset(table(tmp_path, text.replace("{folder}", str(tmp_path))))
    assert (labels(dataset), dataset.unreadable) == (["a", "b"], ())


def test_utf_16_is_read(tmp_path: Path) -> None:
    """Excel's "Unicode text"; damaged, it is a sentence."""
    path = Path(table(tmp_path, ""))
    path.write_bytes("path\tlabel\nimg/0.png\tñ\nimg/1.png\tb\n".encode("utf-16"))
    assert labels(open_dataset(str(path))) == ["ñ", "b"]
    path.write_bytes(b"\xff\xfea")
    assert error_of(path) == f"{path} cannot be read as CSV: its UTF-16 is damaged."


def test_csv_without_heading_and_with_many_columns_asks(tmp_path: Path) -> None:
    """Five columns are shown at most."""
    path = table(tmp_path, "img/0.png,1,2,3,4,5,6\nimg/1.png,1,2,3,4,5,6\n")
    assert error_of(path) == (
        f"{path} has no heading, and which of its 7 columns is the label cannot be told (column 1: img/0.png; column 2: 1; "
        f"column 3: 2; column 4: 3; column 5: 4). Name it with --label-column 'column N', or write a heading."
    )
    assert labels(open_dataset(path, wishes=Wishes(label_column="column 4"))) == ["3", "3"]


def test_csv_per_split_beside_each_other(tmp_path: Path) -> None:
    """train.csv with test.csv of the same columns; one of others is told."""
    table(tmp_path, "path,label\nimg/0.png,a\nimg/1.png,b\n", "train.csv")
    (tmp_path / "test.csv").write_text("path,label\nimg/2.png,a\n")
    (tmp_path / "val.csv").write_text("path\nimg/3.png\n")
    dataset = open_dataset(str(tmp_path))
    assert sizes(dataset) == {"train": 2, "test": 1}
    assert f"{tmp_path}/val.csv has other columns than train.csv and is not used." in dataset.warnings
