"""Layouts of folders as tools and archives leave them: read right, or refused in words; never misread in silence."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import open_dataset
from imgclf.data.labels.reading import Wishes
from tests.data.layouts import error_of, labels, sizes, tree


@pytest.mark.parametrize(
    ("train", "other", "split"),
    [
        ("train_images", "test_images", "test"),
        ("training_set", "test_set", "test"),
        ("train_mini", "val", "val"),
        ("Final_Training", "Final_Test", "test"),
        ("bounding_box_train", "bounding_box_test", "test"),
        ("train", "dev", "val"),
        ("train", "eval", "test"),
        ("train", "evaluation", "test"),
        ("train", "holdout", "test"),
    ],
)
def test_folders_that_carry_a_split_word_are_splits(
    tmp_path: Path, train: str, other: str, split: str
) -> None:
    """They are no classes, and what was taken is said."""
    tree(tmp_path, f"{train}/a/1.png", f"{train}/b/2.png", f"{other}/a/3.png", f"{other}/b/4.png")
    dataset = open_dataset(str(tmp_path))
    assert sizes(dataset) == {"train": 2, split: 2}
    assert dataset.class_names == ("a", "b")
    assert dataset.taken is not None
    assert dataset.taken.sentence() == (
        f"Read as image_folder: image: files below the class folders; label: folders; split: folders {train}, {other}; 4 "
        f"images."
    )


def test_split_words_beside_other_folders_need_the_same_classes(tmp_path: Path) -> None:
    """A class of test tubes is no split."""
    tree(tmp_path, "test_tube/new/1.png", "train_station/old/2.png", "car/3.png")
    assert open_dataset(str(tmp_path)).class_names == ("car", "test_tube", "train_station")
    tree(tmp_path / "both", *(f"{part}/{label}/1.png" for part in ("train_x", "test_x") for label in "ab"))
    tree(tmp_path / "both", "extra/9.png")
    dataset = open_dataset(str(tmp_path / "both"))
    assert sizes(dataset) == {"train": 2, "test": 2}
    assert dataset.warnings == ("Folders beside train are left out: 'extra'.",)


def test_split_folders_of_loose_images_are_refused_by_name(tmp_path: Path) -> None:
    """Nothing says their labels, unless it is the file beside them."""
    tree(tmp_path, "train_images/1.png", "test_images/2.png")
    (tmp_path / "truth.json").write_text("{}")
    assert error_of(tmp_path) == (
        f"{tmp_path}: the images in 'train_images', 'test_images' lie in no class folders, so nothing says their labels. "
        f"Beside them: 'truth.json'; name the one with the labels, such as --data {tmp_path}/truth.json. Expected "
        f"FOLDER/CLASS/image.jpg, or FOLDER/train/CLASS/image.jpg with val and test beside train."
    )


def test_label_file_beside_split_folders_wins(tmp_path: Path) -> None:
    """Where the folders hold no class folders, it says the labels; ids are tried with an extension."""
    tree(tmp_path, "train/a1.png", "train/b2.png", "test/c3.png")
    (tmp_path / "train.csv").write_text("id,breed\na1,pug\nb2,collie\n")
    assert error_of(tmp_path).startswith(
        f"{tmp_path}/train.csv has no label column. It has: id, breed. Name one"
    )
    dataset = open_dataset(str(tmp_path), wishes=Wishes(label_column="breed"))
    assert labels(dataset) == ["pug", "collie"]
    assert dataset.splits["train"].images == [tmp_path / "train/a1.png", tmp_path / "train/b2.png"]


def test_label_file_beside_class_folders_is_named(tmp_path: Path) -> None:
    """The folders win, and the command for the file is told."""
    tree(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "labels.csv").write_text("path,label\na/1.png,x\nb/2.png,y\n")
    dataset = open_dataset(str(tmp_path))
    assert dataset.class_names == ("a", "b")
    assert dataset.warnings == (
        f"{tmp_path}/labels.csv beside the class folders is not used. To read it instead: --data {tmp_path}/labels.csv",
    )


def test_unlabelled_flat_test_folder_is_no_split(tmp_path: Path) -> None:
    """Kaggle's: `predict` is what it is for."""
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "test/3.png", "test/4.png")
    dataset = open_dataset(str(tmp_path))
    assert sizes(dataset) == {"train": 2}
    assert dataset.warnings == (
        f"The 2 images in {tmp_path}/test have no labels, so there is no test split. To classify them: imgclf predict "
        f"{tmp_path}/test",
    )


@pytest.mark.parametrize("name", ["no_label", "_unlabeled"])
def test_folders_of_unlabelled_images_are_no_class(tmp_path: Path, name: str) -> None:
    """datumaro's, CVAT's and FiftyOne's, in every split, with the count."""
    tree(tmp_path, *(f"{split}/{label}/1.png" for split in ("train", "val") for label in ("a", "b", name)))
    dataset = open_dataset(str(tmp_path))
    assert dataset.class_names == ("a", "b")
    assert dataset.taken is not None
    assert dataset.taken.left_out == {f"in {name}/": 2}


def test_nested_classes_are_said_and_can_be_chosen(tmp_path: Path) -> None:
    """'bird' joins eagle and owl, unless two folders name a class."""
    tree(tmp_path, "bird/eagle/1.png", "bird/owl/2.png", "fish/3.png")
    dataset = open_dataset(str(tmp_path))
    assert dataset.warnings == (
        "The class 'bird' joins the images of several folders: eagle (1), owl (1). To make each a class: "
        "--class-depth 2",
    )
    assert open_dataset(str(tmp_path), wishes=Wishes(class_depth=2)).class_names == (
        "bird/eagle",
        "bird/owl",
        "fish",
    )


def test_dataset_inside_a_folder_beside_another(tmp_path: Path) -> None:
    """DATA/train beside a folder of something else: the splits are found and the other is told."""
    tree(
        tmp_path,
        *(f"DATA/{split}/{label}/1.png" for split in ("train", "test") for label in "ab"),
        "models/x.png",
    )
    dataset = open_dataset(str(tmp_path))
    assert (dataset.class_names, sizes(dataset)) == (("a", "b"), {"train": 2, "test": 2})
    assert dataset.warnings == ("Folders beside train are left out: 'models'.",)


def test_two_spellings_of_one_name_are_one_class(tmp_path: Path) -> None:
    """Composed and decomposed Unicode match; upper and lower case are told."""
    tree(tmp_path, "train/caf\u00e9/1.png", "train/Tea/2.png", "train/tea/3.png", "val/cafe\u0301/4.png")
    dataset = open_dataset(str(tmp_path))
    assert dataset.class_names == ("Tea", "caf\u00e9", "tea")
    assert labels(dataset, "val") == ["caf\u00e9"]
    assert "The classes 'Tea', 'tea' differ in upper and lower case only." in dataset.warnings


def test_several_configurations_are_not_poured_together(tmp_path: Path) -> None:
    """Copies of train would be met in val."""
    for size in ("160px", "320px"):
        for split in ("train", "validation"):
            (tmp_path / size).mkdir(exist_ok=True)
            pq.write_table(
                pa.table({"image": [b"x", b"y"], "label": ["a", "b"]}), tmp_path / size / f"{split}-0.parquet"
            )
    assert error_of(tmp_path) == (
        f"{tmp_path} holds 2 datasets with splits of the same names: '160px', '320px'. Name one of them, such as --data "
        f"{tmp_path}/160px."
    )
    assert sizes(open_dataset(str(tmp_path / "160px"))) == {"train": 2, "val": 2}


def test_files_of_other_kinds_are_counted(tmp_path: Path) -> None:
    """DICOM, JPEG XL, NumPy and EXR have rows, so that reading says what they are; documents are counted."""
    tree(tmp_path, "a/1.png", "b/2.png")
    for name in ("scan.dcm", "x.jxl", "y.npy", "z.j2k", "w.exr", "notes.pdf"):
        (tmp_path / "b" / name).write_bytes(b"content of another kind")
    dataset = open_dataset(str(tmp_path))
    assert labels(dataset).count("b") == 6
    assert dataset.taken is not None
    assert dataset.taken.left_out == {".pdf files": 1}
