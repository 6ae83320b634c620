"""Parquet shards in Hugging Face's layout: splits by file name, class names from the metadata."""

import json
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import LoadingOptions, make_splits, open_dataset, train_loader
from imgclf.data.shards import arrow_images
from imgclf.errors import DataError
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing

NAMES = ("cat", "dog")


def shard(path: Path, labels: list[Any], names: tuple[str, ...] = NAMES, **columns: Any) -> Path:
    """Write a shard whose images are the bytes of their number, two rows to a group."""
    images = columns.pop("images", [{"bytes": b"%d" % index, "path": None} for index in range(len(labels))])
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": list(names)}}
    table = pa.table({"image": images, "label": labels, **columns})
    if names:
        table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(table, path, row_group_size=2)
    return path


def error_of(folder: Path) -> str:
    """Return the sentence that opening the folder gives."""
    with pytest.raises(DataError) as caught:
        open_dataset(str(folder))
    return str(caught.value)


def test_shards_by_name(tmp_path: Path) -> None:
    """Numbered shards in a data folder, in order; labels keep the metadata's indices."""
    shard(tmp_path / "data/train-00000-of-00002.parquet", [1, 0, 1])
    shard(tmp_path / "data/train-00001-of-00002.parquet", [0, 0])
    shard(tmp_path / "data/validation-00000-of-00001.parquet", [1])
    shard(tmp_path / "data/test-00000-of-00001.parquet", [1, 1])
    dataset = open_dataset(str(tmp_path))
    assert list(dataset.splits) == ["train", "val", "test"]
    assert dataset.class_names == NAMES
    train = dataset.splits["train"]
    assert train.labels.tolist() == [1, 0, 1, 0, 0]
    assert list(train.images) == [b"0", b"1", b"2", b"0", b"1"]
    assert train.files[3] == "train/00003"
    assert dataset.warnings == (
        "The val split has no image of 'cat'.",
        "The test split has no image of 'cat'.",
    )


def test_splits_by_folder(tmp_path: Path) -> None:
    """The layout of the Hub's own conversion."""
    shard(tmp_path / "default/train/0000.parquet", [0, 1])
    shard(tmp_path / "default/test/0000.parquet", [0, 1])
    assert list(open_dataset(str(tmp_path)).splits) == ["train", "test"]


def test_order_of_the_metadata_wins(tmp_path: Path) -> None:
    """Class names are not sorted where the labels are numbers that mean them."""
    shard(tmp_path / "train.parquet", [0, 1], names=("zebra", "ant"))
    assert open_dataset(f"parquet:{tmp_path}").class_names == ("zebra", "ant")


def test_labels_as_names(tmp_path: Path) -> None:
    """Without metadata the names are sorted."""
    shard(tmp_path / "train.parquet", ["dog", "cat", "dog"], names=())
    dataset = open_dataset("parquet", tmp_path)
    assert dataset.class_names == ("cat", "dog")
    assert dataset.splits["train"].labels.tolist() == [1, 0, 1]


def test_names_of_the_images_are_kept(tmp_path: Path) -> None:
    """Where each image has one of its own."""
    images = [{"bytes": b"x", "path": "a.jpg"}, {"bytes": b"y", "path": "b.jpg"}]
    shard(tmp_path / "train.parquet", [0, 1], images=images)
    assert open_dataset(str(tmp_path)).splits["train"].files == ["train/a.jpg", "train/b.jpg"]


def test_images_outside_the_file(tmp_path: Path) -> None:
    """A struct without bytes names a file beside the shard."""
    images = [{"bytes": None, "path": "img/a.jpg"}, {"bytes": b"y", "path": "img/b.jpg"}]
    shard(tmp_path / "train.parquet", [0, 1], images=images)
    assert list(open_dataset(str(tmp_path)).splits["train"].images) == [tmp_path / "img/a.jpg", b"y"]


def test_rows_without_a_label_are_left_out(tmp_path: Path) -> None:
    """Null and -1, as competitions publish their test sets."""
    shard(tmp_path / "train.parquet", [0, None, 1, -1], group=["p", "q", "r", "s"])
    shard(tmp_path / "test.parquet", [-1, -1], group=["t", "t"])
    dataset = open_dataset(str(tmp_path))
    assert list(dataset.splits) == ["train"]
    assert list(dataset.splits["train"].images) == [b"0", b"2"]
    assert list(dataset.splits["train"].groups) == ["p", "r"]
    assert sorted(dataset.warnings) == [
        "2 images of the test split have no label and are left out.",
        "2 images of the train split have no label and are left out.",
    ]


def test_label_beyond_the_names_is_an_error(tmp_path: Path) -> None:
    """The metadata and the rows disagree."""
    path = shard(tmp_path / "train.parquet", [0, 5])
    assert error_of(tmp_path) == f"{path}, row 2 has the label 5, but 2 classes are named (0 to 1)."


def test_shards_of_two_datasets_are_an_error(tmp_path: Path) -> None:
    """Other class names are another dataset."""
    first = shard(tmp_path / "train-0.parquet", [0, 1])
    second = shard(tmp_path / "train-1.parquet", [0, 1], names=("x", "y"))
    assert error_of(tmp_path) == (
        f"{second} has other columns or class names than {first}: they are shards of different datasets. Name the "
        f"folder of one of them."
    )


def test_damaged_shard_is_an_error(tmp_path: Path) -> None:
    """The folder is named, with Arrow's reason."""
    (tmp_path / "train.parquet").write_bytes(b"PAR1 and no more")
    assert error_of(tmp_path).startswith(f"{tmp_path} cannot be read as Parquet: ")


def test_damaged_metadata_is_no_hindrance(tmp_path: Path) -> None:
    """Columns are then found by name."""
    table = pa.table({"img": [b"x", b"y"], "label": [0, 1]}).replace_schema_metadata({"huggingface": "[1"})
    pq.write_table(table, tmp_path / "train.parquet")
    assert open_dataset(str(tmp_path)).class_names == ("0", "1")


def test_folder_without_shards_is_an_error(tmp_path: Path) -> None:
    """By the reader's name; an unnamed folder would be read as images."""
    from imgclf.data.formats.parquet import Parquet
    from imgclf.data.labels.reading import Wishes

    with pytest.raises(DataError) as caught:
        Parquet().read(tmp_path, Wishes())
    assert str(caught.value) == (
        f"{tmp_path} holds no Parquet files. Expected train.parquet, or train-00000-of-00002.parquet and so on."
    )


def test_large_sets_are_read_group_by_group(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit nothing is held but the last row group; choosing and pickling keep it so."""
    monkeypatch.setattr(arrow_images, "IN_MEMORY_BYTES", 0)
    shard(tmp_path / "train.parquet", [0, 1] * 10)
    splits = make_splits(open_dataset(str(tmp_path)), val_fraction=0.2)
    numbers = sorted(int(image) for image in [*splits.train.images, *splits.val.images])
    assert numbers == list(range(20))
    copy = pickle.loads(pickle.dumps(splits.train.images))
    assert list(copy) == list(splits.train.images)
    assert list(copy[1:3]) == list(splits.train.images)[1:3]


def test_sequence_has_ends(tmp_path: Path) -> None:
    """Slices and negative indices work as in a list; beyond the end is an IndexError."""
    images = arrow_images.ParquetImages([shard(tmp_path / "train.parquet", [0, 1, 0])], "image")
    assert images[-1] == b"2"
    assert images[1:] == [b"1", b"2"]
    with pytest.raises(IndexError, match=r"^image 3 of 3$"):
        images[3]


def test_a_set_too_large_for_memory_is_read_a_few_groups_at_a_time(
    tmp_path: Path, shapes: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An epoch in which two row groups are kept reads each group once, and every image comes."""
    images = [
        {"bytes": path.read_bytes(), "path": None} for path in sorted((shapes / "train").glob("*/*.png"))
    ]
    shard(tmp_path / "train.parquet", [number % 2 for number in range(72)], images=images)
    monkeypatch.setattr(arrow_images, "IN_MEMORY_BYTES", 0)
    monkeypatch.setattr(arrow_images, "_KEPT_BYTES", 1)
    examples = open_dataset(str(tmp_path)).splits["train"].select(range(70))
    read: list[int] = []
    real = arrow_images.ParquetImages._read

    def counted(images: arrow_images.ParquetImages, group: int) -> Any:
        read.append(group)
        return real(images, group)

    monkeypatch.setattr(arrow_images.ParquetImages, "_read", counted)
    spec = Preprocessing(image_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3)
    options = LoadingOptions(batch_size=4, device="cpu", workers=0, memory_budget_gb=1e-9)
    loader = train_loader(examples, spec, AugmentConfig(transforms=()), options)
    read.clear()
    seen = [index for batch in loader.epoch(0) for index in batch.indices.tolist()]
    assert sorted(seen) == list(range(70))
    assert sorted(read) == list(range(35))


def test_cifar10_as_parquet(test_data: Path) -> None:
    """The real set: 50,000 and 10,000 JPEG images, by path and by name."""
    by_path = open_dataset(str(test_data / "cifar10"))
    for dataset in (
        by_path,
        open_dataset("cifar10", test_data),
        open_dataset("cifar10", test_data / "cifar10"),
    ):
        assert {split: len(found) for split, found in dataset.splits.items()} == {
            "train": 50_000,
            "test": 10_000,
        }
        assert dataset.class_names[:2] == ("airplane", "automobile")
        assert np.bincount(dataset.splits["test"].labels).tolist() == [1000] * 10
        assert isinstance(dataset.splits["test"].images[0], bytes)
        assert len(set(dataset.splits["train"].files) | set(dataset.splits["test"].files)) == 60_000
