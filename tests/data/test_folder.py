"""Folders of images: every layout and oddity met in the wild gives classes in order, or a sentence."""

import os
import re
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.data import Dataset, make_splits, open_dataset
from imgclf.data.formats.folder import read_class_folders
from imgclf.errors import DataError

LAYOUT = "Expected FOLDER/CLASS/image.jpg, or FOLDER/train/CLASS/image.jpg with val and test beside train."


def open_folder(folder: Path) -> Dataset:
    """Open a folder of images, whatever else it may look like."""
    return open_dataset(f"image_folder:{folder}")


def picture(path: Path, shade: int = 0) -> Path:
    """Write a tiny image, its folder too."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (shade, shade // 2, 7)).save(path, format="PNG")
    return path


def tree(root: Path, *names: str) -> Path:
    """Write one different image under each name."""
    for shade, name in enumerate(names):
        picture(root / name, shade)
    return root


def error_of(folder: Path) -> str:
    """Return the sentence that opening the folder gives."""
    with pytest.raises(DataError) as caught:
        open_folder(folder)
    return str(caught.value)


def test_single_tree_is_all_train(tmp_path: Path) -> None:
    """One folder per class, no splits: everything is train, named by its path."""
    dataset = open_folder(tree(tmp_path, "dog/1.jpg", "cat/2.png", "cat/1.png"))
    assert dataset.class_names == ("cat", "dog")
    assert list(dataset.splits) == ["train"]
    assert dataset.splits["train"].files == ["cat/1.png", "cat/2.png", "dog/1.jpg"]
    assert dataset.splits["train"].labels.tolist() == [0, 0, 1]
    assert dataset.splits["train"].labels.dtype == np.int64
    assert dataset.warnings == ()


@pytest.mark.parametrize("val", ["val", "valid", "validation", "Valid"])
def test_three_splits(tmp_path: Path, val: str) -> None:
    """The validation folder has several names, in any case."""
    names = [f"{split}/{label}/1.png" for split in ("train", val, "test") for label in "ab"]
    dataset = open_folder(tree(tmp_path, *names))
    assert list(dataset.splits) == ["train", "val", "test"]
    assert dataset.splits["val"].files == [f"{val}/a/1.png", f"{val}/b/1.png"]


@pytest.mark.parametrize("prefix", ["", "seg_train/", "archive/"])
def test_archive_layouts(tmp_path: Path, prefix: str) -> None:
    """seg_train and seg_test work flat, nested once in themselves, and inside one outer folder."""
    nested = prefix == "seg_train/"
    outer = "" if nested else prefix
    names = [
        f"{outer}{split}/{split + '/' if nested else ''}{label}/1.png"
        for split in ("seg_train", "seg_test")
        for label in "ab"
    ]
    dataset = open_folder(tree(tmp_path, *names))
    assert {split: len(found) for split, found in dataset.splits.items()} == {"train": 2, "test": 2}
    assert dataset.class_names == ("a", "b")


def test_class_missing_from_a_split_keeps_every_index(tmp_path: Path) -> None:
    """The other labels of that split do not move up; a warning says so."""
    names = ("train/a/1.png", "train/b/2.png", "train/c/3.png", "test/a/4.png", "test/c/5.png")
    dataset = open_folder(tree(tmp_path, *names))
    assert dataset.splits["test"].labels.tolist() == [0, 2]
    assert dataset.warnings == ("The test split has no image of 'b'.",)


def test_class_of_the_test_split_only_is_an_error(tmp_path: Path) -> None:
    """No model could learn it."""
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "test/z/3.png")
    assert error_of(tmp_path) == (
        f"{tmp_path}: the test split has the class 'z', which train lacks, so no model could learn it. Train has: "
        f"'a', 'b'. Add images of it to train, or remove it from test."
    )


def test_test_without_train_cannot_be_trained(tmp_path: Path) -> None:
    """It can be looked at and evaluated on; training says what is there."""
    dataset = open_folder(tree(tmp_path / "photos", "test/a/1.png", "val/a/2.png"))
    assert list(dataset.splits) == ["val", "test"]
    with pytest.raises(DataError) as caught:
        make_splits(dataset)
    assert str(caught.value) == "The dataset 'photos' has no train images; it has: val, test."


def test_two_folders_for_one_split_are_an_error(tmp_path: Path) -> None:
    """Which of them is meant is the user's to say."""
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "val/a/3.png", "valid/a/4.png")
    assert error_of(tmp_path) == (
        f"{tmp_path} has two folders for the split 'val': val and valid. Remove or rename one of them."
    )


def test_class_may_be_called_train(tmp_path: Path) -> None:
    """Vehicles: a train beside cars, with the images in the folder itself."""
    dataset = open_folder(tree(tmp_path, "train/1.png", "car/2.png"))
    assert dataset.class_names == ("car", "train")


def test_one_class_cannot_be_trained(tmp_path: Path) -> None:
    """A classifier needs two; one can be looked at and evaluated on."""
    dataset = open_folder(tree(tmp_path / "photos", "cats/1.png", "cats/2.png"))
    assert dataset.class_names == ("cats",)
    with pytest.raises(DataError) as caught:
        make_splits(dataset)
    assert str(caught.value) == (
        "The dataset 'photos' has images of one class only, 'cats'; a classifier needs at least two."
    )


def test_folder_without_images_is_an_error(tmp_path: Path) -> None:
    """Also where images lie beside the class folders and none in them."""
    (tmp_path / "cats").mkdir()
    picture(tmp_path / "1.png")
    assert error_of(tmp_path) == f"{tmp_path} holds no images with a class. {LAYOUT}"


def test_folder_that_cannot_be_listed_is_an_error(tmp_path: Path) -> None:
    """Here: a file where a folder was expected."""
    file = picture(tmp_path / "1.png")
    with pytest.raises(DataError) as caught:
        read_class_folders(file)
    assert str(caught.value) == f"{file} cannot be listed: Not a directory."


def test_what_is_no_image_is_left_out(tmp_path: Path) -> None:
    """System files, hidden folders, notes and empty class folders are no images and no classes."""
    tree(
        tmp_path, "a/1.JPG", "a/deep/er/2.jpeg", "b/3.Tiff", ".hidden/4.png", "__MACOSX/a/5.png", "b/._3.png"
    )
    for name in ("a/.DS_Store", "a/Thumbs.db", "b/notes.txt", "b/labels.json"):
        (tmp_path / name).write_bytes(b"x")
    (tmp_path / "empty").mkdir()
    dataset = open_folder(tmp_path)
    assert dataset.class_names == ("a", "b")
    assert dataset.splits["train"].files == ["a/1.JPG", "a/deep/er/2.jpeg", "b/3.Tiff"]
    assert dataset.warnings == ("Class folders without any image are left out: 'empty'.",)
    assert dataset.unreadable == ()


def test_strange_extensions_count_by_their_first_bytes(tmp_path: Path) -> None:
    """No extension, or a web address's tail, hides no image; anything else is opened by nobody."""
    tree(tmp_path, "a/photo", "a/photo.jpg?v=1", "b/1.png")
    (tmp_path / "b" / "README").write_bytes(b"about these images")
    assert open_folder(tmp_path).splits["train"].files == ["a/photo", "a/photo.jpg?v=1", "b/1.png"]


def test_loose_images_and_folders_are_told(tmp_path: Path) -> None:
    """Nothing is left out in silence."""
    dataset = open_folder(tree(tmp_path, "train/a/1.png", "train/b/2.png", "train/3.png", "seg_pred/4.png"))
    assert dataset.warnings == (
        f"Images in {tmp_path}/train itself, in no class folder, are left out: 1 of them.",
        "Folders beside train are left out: 'seg_pred'.",
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX file names")
def test_odd_names_survive(tmp_path: Path) -> None:
    """Newlines, spaces, other scripts and bytes that are no UTF-8 are read, and shown escaped."""
    folder = os.fsencode(tmp_path / "b")
    tree(tmp_path, "ñandú ☃/a b\n1.png", "b/x.png")
    Path(os.fsdecode(folder + b"/caf\xe9.png")).write_bytes((tmp_path / "b/x.png").read_bytes())
    dataset = open_folder(tmp_path)
    train = dataset.splits["train"]
    assert dataset.class_names == ("b", "ñandú ☃")
    assert train.files == ["b/caf\\xe9.png", "b/x.png", "ñandú ☃/a b\\n1.png"]
    assert all(isinstance(path, Path) and path.is_file() for path in train.images)
    "\n".join((*train.files, *dataset.class_names)).encode()


@pytest.mark.skipif(sys.platform == "win32", reason="needs links and pipes")
def test_files_that_can_hold_no_image_are_named(tmp_path: Path) -> None:
    """Loops end, pipes are not opened, and each is reported with its reason."""
    tree(tmp_path, "a/1.png", "b/2.png")
    (tmp_path / "a" / "dir.jpg").mkdir()
    (tmp_path / "a" / "gone.jpg").symlink_to("nowhere.jpg")
    (tmp_path / "a" / "self.jpg").symlink_to("self.jpg")
    (tmp_path / "a" / "loop").symlink_to(tmp_path / "a")
    os.mkfifo(tmp_path / "b" / "pipe.jpg")
    dataset = open_folder(tmp_path)
    assert {entry.file: entry.reason for entry in dataset.unreadable} == {
        "a/dir.jpg": "is a folder, not an image",
        "a/gone.jpg": "is a link that leads nowhere",
        "a/self.jpg": "is a link that leads nowhere",
        "a/loop": "is a link back to a folder that contains it",
        "b/pipe.jpg": "is a pipe, not an image",
    }
    assert len(dataset.splits["train"]) == 2


def test_linked_class_folders_are_followed(tmp_path: Path) -> None:
    """A class may be a link to a folder elsewhere."""
    tree(tmp_path, "elsewhere/1.png", "photos/b/2.png")
    (tmp_path / "photos" / "a").symlink_to(tmp_path / "elsewhere")
    assert open_folder(tmp_path / "photos").splits["train"].files == ["a/1.png", "b/2.png"]


def test_same_file_in_two_splits_is_told(tmp_path: Path) -> None:
    """The first such pair is named."""
    tree(tmp_path, "train/a/1.png", "train/b/2.png", "test/a/3.png", "test/b/4.png")
    picture(tmp_path / "test/b/4.png", shade=0)
    dataset = open_folder(tmp_path)
    assert dataset.warnings == (
        "1 image is in both train and test, for example train/a/1.png and test/b/4.png; the test figures flatter the "
        "model.",
    )


def test_opening_changes_nothing(tmp_path: Path) -> None:
    """Nothing is written beside the user's files."""
    tree(tmp_path, "a/1.png", "b/2.png")
    before = sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*"))
    open_folder(tmp_path)
    assert sorted(path.stat().st_mtime_ns for path in tmp_path.rglob("*")) == before


def test_numbers_as_folder_names_sort_by_code_point(tmp_path: Path) -> None:
    """The same order as torchvision's ImageFolder, so that indices agree."""
    assert open_folder(tree(tmp_path, "10/1.png", "9/2.png")).class_names == ("10", "9")


def test_folder_is_opened_by_its_path(tmp_path: Path) -> None:
    """`--data PATH` needs no name; a name with a path settles how it is read."""
    tree(tmp_path / "photos", "a/1.png", "b/2.png")
    assert open_dataset("photos").info.name == "photos"
    assert open_dataset("image_folder:photos").class_names == ("a", "b")
    assert open_dataset("image_folder", Path("photos")).class_names == ("a", "b")


def test_image_folder_without_a_folder_says_how(tmp_path: Path) -> None:
    """The message shows the way to give a path."""
    sentence = "'image_folder' finds nothing to read at nowhere. Give a path: --data image_folder:PATH."
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        open_dataset("image_folder", Path("nowhere"))


def test_intel_scenes(test_data: Path) -> None:
    """The real set: six classes, one image both in train and test."""
    dataset = open_dataset("intel", test_data)
    assert {split: len(found) for split, found in dataset.splits.items()} == {"train": 2400, "test": 600}
    assert dataset.class_names == dataset.info.class_names
    assert len(dataset.warnings) == 1
    assert dataset.warnings[0].startswith("1 image is in both train and test")
