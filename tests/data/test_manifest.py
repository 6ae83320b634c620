"""Manifests: columns by name, paths beside the file, and every mistake with its line."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imgclf.data import make_splits, open_dataset
from imgclf.errors import DataError


@pytest.fixture
def images(tmp_path: Path) -> Path:
    """Six different images, img/0.png to img/5.png."""
    (tmp_path / "img").mkdir()
    for shade in range(6):
        Image.new("L", (4, 4), shade).save(tmp_path / "img" / f"{shade}.png")
    return tmp_path


def write(folder: Path, text: str) -> Path:
    """Write labels.csv."""
    path = folder / "labels.csv"
    path.write_text(text, encoding="utf-8")
    return path


def error_of(path: Path) -> str:
    """Return the sentence that opening the manifest gives."""
    with pytest.raises(DataError) as caught:
        open_dataset(str(path))
    return str(caught.value)


def test_path_and_label_are_enough(images: Path) -> None:
    """Everything is train, classes are sorted, paths are the manifest's neighbours."""
    dataset = open_dataset(str(write(images, "path,label\nimg/1.png,dog\nimg/0.png,cat\n")))
    assert dataset.class_names == ("cat", "dog")
    train = dataset.splits["train"]
    assert train.files == ["img/1.png", "img/0.png"]
    assert train.images[0] == images / "img/1.png"
    assert train.labels.tolist() == [1, 0]
    assert dataset.info.name == "labels"


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("heading", ["Filename|Class|Subset|Patient", "image|target|split|group"])
def test_headings_in_many_words(images: Path, heading: str, separator: str) -> None:
    """Other names, other separators, a byte order mark, and unknown columns besides."""
    rows = ["img/0.png|a|train|p", "img/1.png|b|Training|p", "img/2.png|a|valid|q", "img/3.png|b|TEST|r"]
    lines = [f"{heading}|remark", *(f"{row}|x" for row in rows)]
    text = "﻿" + "\n".join(lines).replace("|", separator)
    dataset = open_dataset(str(write(images, text)))
    assert {split: list(found.files) for split, found in dataset.splits.items()} == {
        "train": ["img/0.png", "img/1.png"],
        "val": ["img/2.png"],
        "test": ["img/3.png"],
    }
    assert list(dataset.splits["train"].groups) == ["p", "p"]


def test_whole_numbers_sort_by_value(images: Path) -> None:
    """10 comes after 9."""
    dataset = open_dataset(str(write(images, "path,label\nimg/0.png,10\nimg/1.png,9\n")))
    assert dataset.class_names == ("9", "10")


def test_groups_reach_the_split(images: Path) -> None:
    """Rows of one group end on one side."""
    rows = "".join(f"img/{index}.png,{'ab'[index % 2]},{index // 2}\n" for index in range(6))
    dataset = open_dataset(str(write(images, "path,label,patient\n" + rows)))
    splits = make_splits(dataset, val_fraction=0.34)
    assert not set(splits.train.groups) & set(splits.val.groups)
    assert len(splits.val) == 2


def test_manifest_of_test_images_only(images: Path) -> None:
    """Without train every class counts: such a file is for evaluating."""
    dataset = open_dataset(str(write(images, "path,label,split\nimg/0.png,a,test\nimg/1.png,b,test\n")))
    assert list(dataset.splits) == ["test"]


def test_manifest_in_a_folder_is_found(images: Path) -> None:
    """`--data FOLDER` with labels.csv and one folder of images."""
    write(images, "path,label\nimg/0.png,a\nimg/1.png,b\n")
    assert open_dataset(str(images)).class_names == ("a", "b")
    assert open_dataset(f"manifest:{images}").class_names == ("a", "b")
    assert open_dataset("manifest", images).class_names == ("a", "b")


def test_missing_column_is_an_error(images: Path) -> None:
    """The message lists what is there and what would do."""
    path = write(images, "path,what\nimg/0.png,a\n")
    assert error_of(path) == (
        f"{path} has no label column. It has: path, what. Name one with --label-column, or call it one of: label, class, "
        f"target, category, labels, class_name, fine_label, label_name, category_name, choice."
    )
    path = write(images, "")
    assert error_of(path).startswith(
        f"{path} has no image column. It has: none. Name one with --image-column, or call it one of: path, file, "
    )


def test_missing_path_is_an_error(images: Path) -> None:
    """The message names the line."""
    path = write(images, "path,label\nimg/0.png,a\n,a\n")
    assert error_of(path) == f"{path}, line 3: no value in the column 'path'. Fill it in or remove the line."


@pytest.mark.parametrize("row", ["img/2.png,", "img/2.png", "img/2.png,  "])
def test_missing_label_is_left_out_and_told(images: Path, row: str) -> None:
    """One gap costs one image, not the whole file."""
    dataset = open_dataset(str(write(images, f"path,label\nimg/0.png,a\nimg/1.png,b\n{row}\n")))
    assert list(dataset.splits["train"].files) == ["img/0.png", "img/1.png"]
    assert dataset.warnings == ("1 image of the train split has no label and is left out.",)


def test_unknown_split_is_an_error(images: Path) -> None:
    """The message names the line and the word."""
    path = write(images, "path,label,split\nimg/0.png,a,train\nimg/1.png,b,later\n")
    assert error_of(path) == (
        f"{path}, line 3: the split 'later' is none of train, val, test. Another column, or none, can be named with "
        f"--split-column."
    )


def test_one_file_with_two_labels_is_an_error(images: Path) -> None:
    """Both lines are named; the same row twice is a warning."""
    path = write(images, "path,label\nimg/0.png,a\nimg/1.png,b\nimg/0.png,b\n")
    assert error_of(path) == f"{path}: img/0.png is 'a' in line 2 and 'b' in line 4. Keep one of them."
    dataset = open_dataset(str(write(images, "path,label\nimg/0.png,a\nimg/1.png,b\nimg/0.png,a\n")))
    assert dataset.warnings == (f"1 rows of {path} repeat an earlier row and are left out.",)


def test_file_that_is_not_there_is_named(images: Path) -> None:
    """One is reported and left out; all of them are an error."""
    rows = "path,label\nimg/0.png,a\nimg/1.png,b\nimg/gone.png,b\n"
    dataset = open_dataset(str(write(images, rows)))
    assert [(entry.file, entry.reason) for entry in dataset.unreadable] == [
        ("img/gone.png", "is named in line 4 of labels.csv but is no file")
    ]
    path = write(images, "path,label\nx.png,a\ny.png,b\n")
    assert error_of(path) == (
        f"{path} names 2 files and none of them exists, for example x.png. Paths are relative to the folder of the "
        f"manifest, {images}."
    )


def test_class_that_train_lacks_is_an_error(images: Path) -> None:
    """As for folders."""
    path = write(images, "path,label,split\nimg/0.png,a,train\nimg/1.png,b,train\nimg/2.png,c,test\n")
    assert error_of(path).startswith(f"{path}: the test split has the class 'c', which train lacks")


def test_same_content_in_train_and_test_is_told(images: Path) -> None:
    """As for folders."""
    (images / "img/copy.png").write_bytes((images / "img/0.png").read_bytes())
    text = "path,label,split\nimg/0.png,a,train\nimg/1.png,b,train\nimg/copy.png,b,test\nimg/2.png,a,test\n"
    assert open_dataset(str(write(images, text))).warnings == (
        "1 image is in both train and test, for example img/0.png and img/copy.png; the test figures flatter the model.",
    )


@pytest.mark.parametrize(
    ("patient", "sentence"),
    [
        ("p2", "1 group is in both train and test, for example 'p2'; the test figures flatter the model."),
        ("p1", "2 groups are in both train and test, for example 'p1'; the test figures flatter the model."),
    ],
)
def test_a_group_in_train_and_test_is_told(images: Path, patient: str, sentence: str) -> None:
    """A split that was given is kept, and so is its leak: the user is told of it."""
    rows = (
        "img/0.png,a,train,p1",
        "img/1.png,b,train,p2",
        "img/2.png,a,test,p2",
        f"img/3.png,b,test,{patient}",
    )
    text = "path,label,split,patient\n" + "\n".join(rows)
    assert open_dataset(str(write(images, text))).warnings == (sentence,)


def test_an_empty_group_is_no_group(images: Path) -> None:
    """Two images without a patient do not share one."""
    text = "path,label,split,patient\nimg/0.png,a,train,\nimg/1.png,b,train,p\nimg/2.png,a,test,\nimg/3.png,b,test,q\n"
    assert open_dataset(str(write(images, text))).warnings == ()


def test_damaged_files_are_errors(images: Path) -> None:
    """A quote that never ends, and Parquet that is none."""
    path = write(images, 'path,label\nimg/0.png,"a\n')
    assert error_of(path) == f"{path} cannot be read as CSV: unexpected end of data."
    path = images / "labels.parquet"
    path.write_bytes(b"PAR1 and nothing else")
    assert error_of(path).startswith(f"{path} cannot be read as Parquet: ")


def test_other_files_are_no_manifest(images: Path) -> None:
    """An archive has to be unpacked."""
    path = images / "photos.zip"
    path.write_bytes(b"PK")
    assert error_of(path) == (
        f"{path} is no dataset: expected a folder of images, a .csv or .parquet manifest, or a registered name. An "
        f"archive has to be unpacked first."
    )


def test_parquet_with_paths(images: Path) -> None:
    """The same columns, with the split and whole-number labels as pandas leaves them."""
    table = pa.table(
        {
            "file": ["img/0.png", "img/1.png", "img/2.png"],
            "label": [1.0, 0.0, 0.0],
            "split": ["train"] * 2 + ["test"],
        }
    )
    pq.write_table(table, images / "labels.parquet")
    dataset = open_dataset(str(images / "labels.parquet"))
    assert dataset.class_names == ("0", "1")
    assert dataset.splits["train"].images == [images / "img/0.png", images / "img/1.png"]
    assert dataset.splits["test"].files == ["img/2.png"]


@pytest.mark.parametrize("with_split", [True, False])
def test_parquet_with_bytes(images: Path, with_split: bool) -> None:
    """Encoded images in a binary column, divided by a split column or not."""
    content = [(images / f"img/{index}.png").read_bytes() for index in range(4)]
    columns = {"bytes": content, "class": ["a", "b", "a", "b"], "group": ["x", "x", "y", "y"]}
    if with_split:
        columns["split"] = ["train", "train", "test", "test"]
    pq.write_table(pa.table(columns), images / "labels.parquet")
    dataset = open_dataset(str(images / "labels.parquet"))
    train = dataset.splits["train"]
    assert list(train.images)[:2] == content[:2]
    assert train.files[0] == "train/00000"
    assert list(train.groups)[:2] == ["x", "x"]
    assert list(dataset.splits) == (["train", "test"] if with_split else ["train"])
    assert np.array_equal(train.labels[:2], [0, 1])
