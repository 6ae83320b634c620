"""Splits: stratified, seeded, whole groups, and the test images untouched."""

import csv
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgclf.data import Dataset, Examples, SplitChanges, make_splits, open_dataset, read_split, split_rows
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage


def examples(labels: Sequence[int], split: str = "train", groups: Sequence[str] = ()) -> Examples:
    """Tiny images with these labels."""
    return Examples(
        images=np.arange(len(labels), dtype=np.uint8).reshape(-1, 1, 1),
        labels=np.asarray(labels, dtype=np.int64),
        files=[f"{split}/{index:05d}" for index in range(len(labels))],
        groups=groups,
    )


def dataset(**splits: Examples) -> Dataset:
    """A dataset of four classes with these splits."""
    return Dataset(DatasetInfo("tiny", "For a test"), class_names=("a", "b", "c", "d"), splits=splits)


def test_val_has_the_classes_in_proportion() -> None:
    """A tenth of each class, and nothing twice."""
    splits = make_splits(dataset(train=examples([0] * 50 + [1] * 30 + [2] * 20)))
    assert np.bincount(splits.val.labels).tolist() == [5, 3, 2]
    assert np.bincount(splits.train.labels).tolist() == [45, 27, 18]
    assert not set(splits.train.files) & set(splits.val.files)
    assert splits.test is None
    assert splits.warnings == ()


def test_same_seed_same_split_on_every_machine() -> None:
    """The order is PCG64's raw output, written down here, and another seed gives another split."""
    whole = dataset(train=examples([0, 1] * 10))
    expected = ["train/00002", "train/00003", "train/00011", "train/00018"]
    assert make_splits(whole, val_fraction=0.2).val.files == expected
    assert make_splits(whole, val_fraction=0.2, seed=1).val.files != expected


def test_test_is_never_touched() -> None:
    """By default val comes out of train."""
    test = examples([0, 1, 2], "test")
    splits = make_splits(dataset(train=examples([0, 1, 2] * 10), test=test))
    assert splits.test is test
    assert len(splits.train) + len(splits.val) == 30


def test_val_from_test_leaves_train_whole() -> None:
    """Val and the rest of the official test set are disjoint."""
    train, test = examples([0, 1] * 10), examples([0, 1] * 10, "test")
    splits = make_splits(dataset(train=train, test=test), val_from="test", val_fraction=0.2)
    assert splits.train is train
    assert splits.test is not None
    assert (len(splits.val), len(splits.test)) == (4, 16)
    assert sorted([*splits.val.files, *splits.test.files]) == list(test.files)


def test_val_of_its_own_is_used_as_it_is() -> None:
    """Asking for another is answered with a warning."""
    val = examples([0, 1], "val")
    whole = dataset(train=examples([0, 1] * 10), val=val)
    assert make_splits(whole).val is val
    assert make_splits(whole).warnings == ()
    splits = make_splits(whole, val_from="train")
    assert splits.val is val
    assert splits.warnings == ("The dataset has its own val split; --val-from train is not followed.",)


def test_class_of_one_image_stays_in_train() -> None:
    """And of two, at least one does, whatever the fraction."""
    splits = make_splits(dataset(train=examples([0] * 20 + [1] + [2] * 2)), val_fraction=0.9)
    assert np.bincount(splits.train.labels, minlength=3).tolist() == [2, 1, 1]
    assert splits.warnings == ("Too few images of 'b' to take any into val; all stay in train.",)


def test_small_classes_have_one_in_val() -> None:
    """From five images on, although a tenth rounds to none; and no val is ever empty."""
    splits = make_splits(dataset(train=examples([0] * 50 + [1] * 4 + [2] * 5)), val_fraction=0.05)
    assert np.bincount(splits.val.labels, minlength=3).tolist() == [3, 0, 1]
    assert len(make_splits(dataset(train=examples([0, 0, 1])), val_fraction=0.01).val) == 1


def test_groups_are_never_torn() -> None:
    """All images of a patient are on one side; sizes come near to what was asked for."""
    generator = np.random.default_rng(0)
    patients = [f"p{number}" for number in generator.integers(0, 60, 600)]
    labels = [int(patient[1:]) % 2 for patient in patients]
    splits = make_splits(dataset(train=examples(labels, groups=patients)), val_fraction=0.2)
    assert not set(splits.train.groups) & set(splits.val.groups)
    assert 90 <= len(splits.val) <= 130
    assert min(Counter(splits.val.labels.tolist()).values()) >= 40


def test_groups_larger_than_what_val_wants_still_give_a_val() -> None:
    """Two of each class are wanted and groups have four, or one is wanted of groups of ten: a whole one is taken."""
    fours = [f"{label}-{number}" for label in range(3) for number in range(6) for _ in range(4)]
    splits = make_splits(dataset(train=examples([int(group[0]) for group in fours], groups=fours)))
    assert np.bincount(splits.val.labels).tolist() == [4, 4, 4]
    tens = [f"{label}-{number}" for label in range(2) for number in range(2) for _ in range(10)]
    splits = make_splits(
        dataset(train=examples([int(group[0]) for group in tens], groups=tens)), val_fraction=0.05
    )
    assert len(splits.val) == 10
    assert not set(splits.train.groups) & set(splits.val.groups)


def test_what_could_not_be_read_is_handed_on() -> None:
    """The list of skipped images in a run begins with what opening the dataset left out."""
    lost = UnreadableImage("gone.png", "no such file")
    whole = replace(dataset(train=examples([0, 1] * 10), test=examples([0, 1] * 10)), unreadable=(lost,))
    assert make_splits(whole).unreadable == make_splits(whole, val_from="test").unreadable == (lost,)


def test_images_without_a_group_are_alone() -> None:
    """An empty key ties nothing together."""
    splits = make_splits(
        dataset(train=examples([0, 1] * 10, groups=["", "", "x", "x"] * 5)), val_fraction=0.2
    )
    assert "x" not in splits.val.groups
    assert len(splits.val) == 4


def test_groups_that_cannot_be_divided_are_an_error() -> None:
    """One group per class: taking either would empty the class."""
    sentence = (
        "No image could be taken for val without emptying a class or tearing a group: 4 images, 2 classes. Add images, "
        "or give a val split of your own."
    )
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        make_splits(dataset(train=examples([0, 0, 1, 1], groups=["x", "x", "y", "y"])))


def test_missing_source_is_an_error() -> None:
    """The message says what there is."""
    sentence = "The dataset 'tiny' has no test images; it has: train."
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        make_splits(dataset(train=examples([0, 1])), val_from="test")
    with pytest.raises(DataError, match=r"^The dataset 'tiny' has no train images; it has: none at all\.$"):
        make_splits(dataset(train=examples([])))


def test_one_image_is_an_error() -> None:
    """There is nothing to divide."""
    sentence = "The train split has 1 image; at least 2 are needed to take val from it."
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        make_splits(dataset(train=examples([0])))


def save(path: Path, rows: Sequence[Sequence[str]]) -> Path:
    """Write a run's splits.csv."""
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows([("file", "label", "split"), *rows])
    return path


@pytest.mark.parametrize("val_from", ["train", "test"])
def test_saved_split_is_read_back(tmp_path: Path, val_from: str) -> None:
    """Each part has the same images in the same order, whichever split they came from."""
    whole = open_dataset("digits")
    splits = make_splits(whole, val_from=val_from, seed=3)  # type: ignore[arg-type]
    again, changes = read_split(save(tmp_path / "splits.csv", split_rows(splits, whole.class_names)), whole)
    assert changes == SplitChanges({})
    for one, other in ((splits.train, again.train), (splits.val, again.val), (splits.test, again.test)):
        assert one is not None
        assert other is not None
        assert list(one.files) == list(other.files)
        assert np.array_equal(one.images, other.images)
        assert np.array_equal(one.labels, other.labels)


def test_saved_split_may_mix_sources(tmp_path: Path) -> None:
    """A file edited by hand may take val from two splits."""
    whole = dataset(train=examples([0, 1, 0]), test=examples([1, 0], "test"))
    rows = [("train/00000", "a", "train"), ("train/00001", "b", "val"), ("test/00000", "b", "val")]
    splits, _ = read_split(save(tmp_path / "splits.csv", rows), whole)
    assert splits.val.files == ["train/00001", "test/00000"]
    assert splits.val.labels.tolist() == [1, 1]
    assert splits.test is None


def test_saved_split_of_other_data_is_an_error(tmp_path: Path) -> None:
    """Every file is gone, a strange split, or no such table."""
    whole = dataset(train=examples([0, 1]))
    path = save(tmp_path / "splits.csv", [("train/00009", "a", "train")])
    with pytest.raises(DataError) as caught:
        read_split(path, whole)
    assert (
        str(caught.value)
        == f"{path} names train/00009 in train, which the dataset 'tiny' lacks. Has it changed?"
    )
    save(path, [("train/00000", "a", "exam")])
    with pytest.raises(DataError) as caught:
        read_split(path, whole)
    assert str(caught.value) == f"{path} names a split 'exam'. Expected train, val or test."
    path.write_text("file,name\n1,2\n", encoding="utf-8")
    with pytest.raises(DataError) as caught:
        read_split(path, whole)
    assert str(caught.value) == (
        f"{path} holds no saved split. Expected the columns file, label, split and a row per image."
    )
    with pytest.raises(DataError, match=r"nowhere\.csv cannot be read: .*No such file"):
        read_split(tmp_path / "nowhere.csv", whole)


def test_gaps_and_corrected_labels_are_told(tmp_path: Path) -> None:
    """An image that is gone is left out, a label that was corrected counts; both are named."""
    whole = dataset(train=examples([0, 1, 0]))
    rows = [("train/00000", "b", "train"), ("train/00001", "b", "val"), ("train/00009", "a", "train")]
    splits, changes = read_split(save(tmp_path / "splits.csv", rows), whole)
    assert (splits.train.files, splits.train.labels.tolist()) == (["train/00000"], [0])
    assert splits.val.files == ["train/00001"]
    assert changes == SplitChanges({"train": ("train/00009",)}, (("train/00000", "b", "a"),))


def test_a_file_moved_to_another_class_is_known_by_its_name(tmp_path: Path) -> None:
    """Correcting a label by moving the file keeps the image in its split; a name that two files have says nothing."""
    pixels = np.zeros((4, 8, 8), np.uint8)
    files = ["train/b/x.png", "train/a/y.png", "train/a/z.png", "train/b/z.png"]
    whole = dataset(train=Examples(pixels, np.array([1, 0, 0, 1]), files))
    rows = [("train/a/x.png", "a", "val"), ("train/a/y.png", "a", "train"), ("train/c/z.png", "a", "train")]
    splits, changes = read_split(save(tmp_path / "splits.csv", rows), whole)
    assert (splits.val.files, splits.val.labels.tolist()) == (["train/b/x.png"], [1])
    assert changes.relabelled == (("train/b/x.png", "a", "b"),)
    assert changes.missing == {"train": ("train/c/z.png",)}
