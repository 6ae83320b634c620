"""torchvision's datasets through one adapter: real classes on tiny files in their own layouts."""

import json
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgclf.data import open_dataset
from imgclf.data.builtin import torchvision_sets
from imgclf.data.fetching.torchvision_adapter import PpmImages, TorchvisionSet, downloads_of_ours
from imgclf.errors import DataError, DownloadError

SETS = sorted(torchvision_sets.SETS)


def picture(path: Path, kind: str = "JPEG") -> None:
    """Write a tiny image."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (4, 4), (200, 10, 10)).save(path, format=kind)


@pytest.mark.parametrize("name", SETS)
def test_entry_fits_torchvision(name: str) -> None:
    """The class exists, is listed under its own name, and takes the arguments of every split."""
    import inspect

    import torchvision.datasets

    entry: TorchvisionSet = torchvision_sets.SETS[name]
    assert entry.info.name == name
    assert set(entry.splits) == set(entry.info.splits)
    assert entry.splits.keys() <= {"train", "val", "test"}
    factory = getattr(torchvision.datasets, entry.factory)
    known = {key for base in factory.__mro__[:2] for key in inspect.signature(base.__init__).parameters}
    for arguments in entry.splits.values():
        assert {*arguments, *entry.arguments} <= known
    assert not entry.is_on_disk(Path("nowhere"))


def test_eurosat(tmp_path: Path) -> None:
    """Files, one split, class names from torchvision."""
    for name in ("Forest/Forest_1.jpg", "River/River_1.jpg", "Forest/Forest_2.jpg"):
        picture(tmp_path / "eurosat/2750" / name)
    dataset = open_dataset("eurosat", tmp_path, download=False)
    assert dataset.class_names == ("Forest", "River")
    train = dataset.splits["train"]
    assert train.files == [
        "eurosat/2750/Forest/Forest_1.jpg",
        "eurosat/2750/Forest/Forest_2.jpg",
        "eurosat/2750/River/River_1.jpg",
    ]
    assert train.images[0] == tmp_path / "eurosat/2750/Forest/Forest_1.jpg"
    assert train.labels.tolist() == [0, 0, 1]


def test_food101(tmp_path: Path) -> None:
    """Files and labels in two attributes, two splits."""
    for split in ("train", "test"):
        names = {label: [f"{label}/{split}"] for label in ("apple_pie", "waffles")}
        for label in names:
            picture(tmp_path / "food-101/images" / label / f"{split}.jpg")
        (tmp_path / "food-101/meta").mkdir(exist_ok=True)
        (tmp_path / f"food-101/meta/{split}.json").write_text(json.dumps(names))
    dataset = open_dataset("food101", tmp_path, download=False)
    assert dataset.class_names == ("apple_pie", "waffles")
    assert dataset.splits["test"].files == [
        f"food-101/images/{name}/test.jpg" for name in dataset.class_names
    ]


def test_imagenette(tmp_path: Path) -> None:
    """Pairs of path and label; names of synonyms; val and no test."""
    for split in ("train", "val"):
        for code in ("n01440764", "n02102040"):
            picture(tmp_path / "imagenette2-320" / split / code / f"{split}.JPEG")
    dataset = open_dataset("imagenette", tmp_path, download=False)
    assert list(dataset.splits) == ["train", "val"]
    assert dataset.class_names == ("tench, Tinca tinca", "English springer, English springer spaniel")


def test_stl10(tmp_path: Path) -> None:
    """Pixels with the channels first, from a reader that checks sums of its own."""
    pixels = np.zeros((2, 3, 5, 4), np.uint8)
    pixels[:, 0] = 200
    loaded = SimpleNamespace(data=pixels, labels=[1, 0], classes=["airplane", "bird"])
    examples = torchvision_sets.stl10._examples("train", loaded, tmp_path)
    assert isinstance(examples.images, np.ndarray)
    assert examples.images.shape == (2, 5, 4, 3)
    assert examples.images[0, 0, 0].tolist() == [200, 0, 0]
    assert examples.files == ["train/00000", "train/00001"]
    assert (examples.labels.tolist(), examples.labels.dtype) == ([1, 0], np.int64)


def test_emnist_is_turned_upright(tmp_path: Path) -> None:
    """Its files hold rows and columns exchanged."""
    pixels = np.arange(6, dtype=np.uint8).reshape(1, 2, 3)
    examples = torchvision_sets.emnist._examples("train", SimpleNamespace(data=pixels, targets=[0]), tmp_path)
    assert np.array_equal(np.asarray(examples.images), pixels.transpose(0, 2, 1))


def test_gtsrb(tmp_path: Path) -> None:
    """PPM files become pixels when they are asked for."""
    for label in ("00000", "00001"):
        picture(tmp_path / "gtsrb/GTSRB/Training" / label / "1.ppm", "PPM")
    picture(tmp_path / "gtsrb/GTSRB/Final_Test/Images/0.ppm", "PPM")
    (tmp_path / "gtsrb/GT-final_test.csv").write_text("Filename;ClassId\n0.ppm;1\n")
    dataset = open_dataset("gtsrb", tmp_path, download=False)
    assert len(dataset.class_names) == 43
    train = dataset.splits["train"]
    assert isinstance(train.images, PpmImages)
    assert train.images[1].tolist()[0][0] == [200, 10, 10]
    assert len(train.images[:1]) == 1
    assert dataset.splits["test"].labels.tolist() == [1]


def test_unreadable_set_is_an_error(tmp_path: Path) -> None:
    """What torchvision says, and what to remove."""
    (tmp_path / "food-101/meta").mkdir(parents=True)
    (tmp_path / "food-101/meta/train.json").write_text("{")
    with pytest.raises(DataError) as caught:
        open_dataset("food101", tmp_path, download=False)
    assert str(caught.value) == (
        f"'food101' in {tmp_path} could not be read: Dataset not found. You can use download=True to download it. Remove "
        f"{tmp_path}/food-101/meta/train.json to download it again."
    )


def test_missing_set_is_an_error(tmp_path: Path) -> None:
    """With downloading off; a manual one says where its files go."""
    with pytest.raises(DataError) as caught:
        open_dataset("dtd", tmp_path, download=False)
    assert str(caught.value) == (
        f"'dtd' is not in {tmp_path} and downloading is off. Allow it, or name the folder that has it with --data-dir."
    )
    with pytest.raises(DataError) as caught:
        open_dataset("imagenet", tmp_path)
    assert str(caught.value) == f"'imagenet' is not in {tmp_path}. {torchvision_sets.imagenet.info.manual}"


@pytest.mark.parametrize("name", ["flowers102", "svhn", "usps", "eurosat"])
def test_offline_is_an_error_at_once(
    tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch, capfd: Any
) -> None:
    """Ours instead of torchvision's traceback, retries and progress bar."""
    for variable in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(variable, "http://127.0.0.1:9")
    with pytest.raises(
        DownloadError, match=r" cannot be reached \(Connection refused\), so http.* was not downloaded\."
    ):
        open_dataset(name, tmp_path)
    assert capfd.readouterr() == ("", "")


def test_other_failures_of_a_download_are_errors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A wrong checksum, say: torchvision's reason and where the files come from."""
    monkeypatch.setattr(
        "imgclf.data.fetching.torchvision_adapter.retrieve", lambda url, part, *_: part.write_bytes(b"x")
    )
    with pytest.raises(DownloadError) as caught:
        open_dataset("usps", tmp_path)
    assert re.fullmatch(
        rf"'usps' could not be downloaded into {tmp_path}/usps: .*corrupted.*\. Put its files there by hand \(from https.*\) "
        r"or try again later\.",
        str(caught.value),
    )


def test_torchvision_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its functions come back even after an error."""
    from torchvision.datasets import utils

    before = utils._urlretrieve, utils._get_redirect_url
    with downloads_of_ours(None):
        assert utils._urlretrieve is not before[0]
    with pytest.raises(KeyError), downloads_of_ours(None):
        raise KeyError
    assert (utils._urlretrieve, utils._get_redirect_url) == before


def test_unknown_set_is_no_attribute() -> None:
    """A misspelt entry point is told by name."""
    with pytest.raises(
        AttributeError, match=r"^module 'imgclf.data.builtin.torchvision_sets' has no attribute 'cars'$"
    ):
        _ = torchvision_sets.cars
