"""CIFAR-10: 60,000 colour photos of 32x32 pixels in ten classes; 50,000 `train`, 10,000 `test`.

Source: https://www.cs.toronto.edu/~kriz/cifar.html. Paper: A. Krizhevsky (2009), Learning Multiple Layers of
Features from Tiny Images. Licence: not stated.
"""

from pathlib import Path

from imgclf.data.builtin.cifar import CifarFiles
from imgclf.data.examples import Examples
from imgclf.data.fetching.download import Remote
from imgclf.records import DatasetInfo, OnProgress

_ARCHIVE = Remote(
    ("https://www.cs.toronto.edu/~kriz/cifar-10-python.tar.gz",), "md5:c58f30108f718f92721af3b95e74349a"
)


class Cifar10:
    """Ten kinds of animals and vehicles."""

    info = DatasetInfo(
        name="cifar10",
        summary="Animals and vehicles in small photos",
        class_names=(
            "airplane",
            "automobile",
            "bird",
            "cat",
            "deer",
            "dog",
            "frog",
            "horse",
            "ship",
            "truck",
        ),
        splits={"train": 50_000, "test": 10_000},
        image_size=(32, 32),
        source="https://www.cs.toronto.edu/~kriz/cifar.html",
        download_bytes=170_498_071,
    )

    _files = CifarFiles(
        info,
        _ARCHIVE,
        folder="cifar-10-batches-py",
        batches={"train": tuple(f"data_batch_{number}" for number in range(1, 6)), "test": ("test_batch",)},
        label_key=b"labels",
    )

    def is_on_disk(self, root: Path) -> bool:
        """Say whether both splits are there, as pickled batches or as Parquet."""
        return self._files.is_on_disk(root)

    def download(self, root: Path, progress: OnProgress = None) -> None:
        """Fetch and unpack the archive (170 MB)."""
        self._files.download(root, progress)

    def load(self, root: Path, split: str) -> Examples:
        """Return the split."""
        return self._files.load(root, split)
