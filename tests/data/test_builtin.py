"""The built-in datasets, read from tiny files in their own formats."""

import gzip
import json
import pickle
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from imgclf.data import list_datasets, open_dataset
from imgclf.data.builtin.pickled_batches import read_batch
from imgclf.errors import DataError, DownloadError


def write_idx(path: Path, array: np.ndarray) -> None:
    """Write an IDX file of bytes, gzipped if so named."""
    content = (
        struct.pack(">HBB", 0, 8, array.ndim) + struct.pack(f">{array.ndim}I", *array.shape) + array.tobytes()
    )
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress(content) if path.suffix == ".gz" else content)


def write_mnist(folder: Path, ending: str = "") -> Path:
    """Write three training and two test images."""
    for stem, count in (("train", 3), ("t10k", 2)):
        images = np.arange(count * 28 * 28, dtype=np.uint32).astype(np.uint8).reshape(count, 28, 28)
        write_idx(folder / f"{stem}-images-idx3-ubyte{ending}", images)
        write_idx(folder / f"{stem}-labels-idx1-ubyte{ending}", np.arange(count, dtype=np.uint8))
    return folder


def write_batches(folder: Path, label_key: str, names: list[str], count: int = 4) -> None:
    """Write pickled batches as Toronto's archives hold them."""
    folder.mkdir(parents=True)
    for number, name in enumerate(names):
        data = np.full((count, 3072), number, dtype=np.uint8)
        data[:, :1024] = 200  # the red plane comes first
        batch = {b"data": data, label_key.encode(): list(range(count))}
        (folder / name).write_bytes(pickle.dumps(batch, protocol=2))


def test_digits_have_a_fixed_partition() -> None:
    """A fifth of each class is test, and the same fifth for ever; pixels use the whole range."""
    dataset = open_dataset("digits")
    train, test = dataset.splits["train"], dataset.splits["test"]
    assert (len(train), len(test)) == (1442, 355)
    assert dict(dataset.info.splits) == {"train": 1442, "test": 355}
    assert np.bincount(test.labels).tolist() == [35, 36, 35, 36, 36, 36, 36, 35, 34, 36]
    assert test.files[:3] == ["test/0001", "test/0003", "test/0005"]
    assert not {file[-4:] for file in train.files} & {file[-4:] for file in test.files}
    assert isinstance(train.images, np.ndarray)
    assert (train.images.shape, train.images.dtype) == ((1442, 8, 8), np.uint8)
    assert (train.images.min(), train.images.max()) == (0, 255)


@pytest.mark.parametrize("ending", ["", ".gz"])
@pytest.mark.parametrize(
    ("name", "place"),
    [
        ("mnist", "MNIST/raw"),
        ("fashion_mnist", "FashionMNIST/raw"),
        ("kmnist", "KMNIST"),
        ("mnist", "raw"),
        ("mnist", "."),
    ],
)
def test_idx_sets(tmp_path: Path, name: str, place: str, ending: str) -> None:
    """Plain or gzipped, where torchvision puts them or in the data directory itself."""
    write_mnist(tmp_path / place, ending)
    dataset = open_dataset(name, tmp_path, download=False)
    assert {split: len(found) for split, found in dataset.splits.items()} == {"train": 3, "test": 2}
    train = dataset.splits["train"]
    assert np.asarray(train.images[1])[0, 0] == 28 * 28 % 256
    assert (train.labels.tolist(), train.labels.dtype) == ([0, 1, 2], np.int64)
    assert train.files == ["train/00000", "train/00001", "train/00002"]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (
            b"\0\0\x08\x03" + struct.pack(">3I", 3, 28, 28) + b"\0" * 100,
            "is damaged: its header promises 2,352 values of shape (3, 28, 28), it holds 100.",
        ),
        (b"<html>404</html>", "is no IDX file of bytes."),
        (b"\0\0\x0d\x01", "is no IDX file of bytes."),
        (b"\0\0\x08\x03\0", "is no IDX file of bytes."),
    ],
)
def test_damaged_idx_is_an_error(tmp_path: Path, content: bytes, says: str) -> None:
    """Cut short, or something else."""
    path = write_mnist(tmp_path / "MNIST/raw") / "train-images-idx3-ubyte"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        open_dataset("mnist", tmp_path)
    assert str(caught.value).startswith(f"{path} {says}")
    assert str(caught.value).endswith(" Remove it to download it again.")


def test_damaged_gzip_is_an_error(tmp_path: Path) -> None:
    """Cut in the middle."""
    path = write_mnist(tmp_path / "MNIST/raw", ".gz") / "train-images-idx3-ubyte.gz"
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError) as caught:
        open_dataset("mnist", tmp_path)
    assert str(caught.value).startswith(f"{path} cannot be read: Compressed file ended")


def test_idx_of_another_set_is_an_error(tmp_path: Path) -> None:
    """EMNIST has more than ten classes."""
    folder = write_mnist(tmp_path / "MNIST/raw")
    write_idx(folder / "train-labels-idx1-ubyte", np.asarray([0, 46, 1], dtype=np.uint8))
    with pytest.raises(DataError) as caught:
        open_dataset("mnist", tmp_path)
    assert (
        str(caught.value) == f"{folder} has the label 46, but 'mnist' has ten classes. It is another dataset."
    )


@pytest.mark.parametrize("below", ["", "cifar10"])
def test_cifar10_batches(tmp_path: Path, below: str) -> None:
    """Five batches are one split; planes become pixels."""
    names = [f"data_batch_{number}" for number in range(1, 6)]
    write_batches(tmp_path / below / "cifar-10-batches-py", "labels", [*names, "test_batch"])
    dataset = open_dataset("cifar10", tmp_path, download=False)
    train = dataset.splits["train"]
    assert isinstance(train.images, np.ndarray)
    assert train.images.shape == (20, 32, 32, 3)
    assert train.images[-1, 0, 0].tolist() == [200, 4, 4]
    assert train.labels.tolist() == [0, 1, 2, 3] * 5
    assert len(dataset.splits["test"]) == 4


def test_cifar100_batches(tmp_path: Path) -> None:
    """The fine labels are taken."""
    write_batches(tmp_path / "cifar-100-python", "fine_labels", ["train", "test"])
    dataset = open_dataset("cifar100", tmp_path, download=False)
    assert dataset.splits["train"].labels.tolist() == [0, 1, 2, 3]
    assert len(dataset.class_names) == 100


def test_hostile_pickle_is_not_run(tmp_path: Path) -> None:
    """A batch that names a function is refused before anything is called."""

    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return Path.touch, (Path(tmp_path / "evil"),)  # type: ignore[return-value]

    path = tmp_path / "test_batch"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(DataError) as caught:
        read_batch(path, b"labels")
    assert str(caught.value).startswith(f"{path} is no batch of CIFAR images: it asks for ")
    assert str(caught.value).endswith(". Remove it to download it again.")
    assert not (tmp_path / "evil").exists()


def test_other_parquet_is_not_cifar10(tmp_path: Path) -> None:
    """Class names tell."""
    features = {"image": {"_type": "Image"}, "label": {"_type": "ClassLabel", "names": ["x", "y"]}}
    table = pa.table({"image": [b"1", b"2"], "label": [0, 1]})
    table = table.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    for split in ("train", "test"):
        pq.write_table(table, tmp_path / f"{split}.parquet")
    with pytest.raises(DataError) as caught:
        open_dataset("cifar10", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} does not hold cifar10: its classes are x, y, ... Name the right folder with --data-dir, or use "
        f"--data {tmp_path}."
    )


def test_fashion_mnist(test_data: Path) -> None:
    """The real set."""
    dataset = open_dataset("fashion_mnist", test_data, download=False)
    assert {split: len(found) for split, found in dataset.splits.items()} == dict(dataset.info.splits)
    assert np.bincount(dataset.splits["test"].labels).tolist() == [1000] * 10


def test_intel_says_how_to_get_it(tmp_path: Path) -> None:
    """Where from, and where to unpack it."""
    with pytest.raises(DataError) as caught:
        open_dataset("intel", tmp_path)
    assert str(caught.value) == (
        f"'intel' is not in {tmp_path}, and it can only be fetched by hand. Download the archive from "
        f"https://www.kaggle.com/datasets/puneet6060/intel-image-classification and unpack it so that its seg_train and "
        f"seg_test folders lie in {tmp_path}/intel, or name the folder that holds them with --data-dir."
    )


def test_other_scenes_are_not_intel(tmp_path: Path, shapes: Path) -> None:
    """Class names tell."""
    for split in ("train", "test"):
        (tmp_path / f"seg_{split}").symlink_to(shapes / split)
    with pytest.raises(DataError) as caught:
        open_dataset("intel", tmp_path)
    assert str(caught.value) == (
        f"{tmp_path} does not hold the Intel scenes: its classes are circle, square, triangle. Use --data {tmp_path} for "
        f"a folder of your own."
    )


@pytest.mark.parametrize("name", ["cifar10", "cifar100", "mnist", "fashion_mnist", "kmnist"])
def test_missing_set_is_an_error_offline(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a network the host is named; without permission nothing is tried."""
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    with pytest.raises(
        DownloadError, match=r" cannot be reached \(Connection refused\), so http.* was not downloaded"
    ):
        open_dataset(name, tmp_path)
    with pytest.raises(DataError) as caught:
        open_dataset(name, tmp_path, download=False)
    assert str(caught.value) == (
        f"'{name}' is not in {tmp_path} and downloading is off. Allow it, or name the folder that has it with --data-dir."
    )


def test_every_built_in_is_described() -> None:
    """Name, classes, sizes and source are there, and nothing is broken."""
    ours = [listing for listing in list_datasets() if listing.package.startswith("imgclf ")]
    assert len(ours) >= 29
    for listing in ours:
        info = listing.info
        assert listing.error == ""
        assert info.summary
        assert not info.summary.endswith(".")
        if info.licence != "your files":
            assert info.splits["train"] > 0, info.name
            assert len(info.class_names) or info.class_count, info.name
            assert info.source != "not stated", info.name
            assert info.download_bytes or info.manual or listing.on_disk, info.name
