"""MNIST and the two sets made in its likeness: 60,000 + 10,000 grey images of 28x28 pixels, ten classes.

- MNIST: LeCun, Bottou, Bengio, Haffner (1998), Gradient-based learning applied to document recognition.
  Licence: CC BY-SA 3.0.
- Fashion-MNIST: Xiao, Rasul, Vollgraf (2017), https://arxiv.org/abs/1708.07747. Licence: MIT.
- Kuzushiji-MNIST: Clanuwat et al. (2018), https://arxiv.org/abs/1812.01718. Licence: CC BY-SA 4.0.

The files live in ``MNIST/raw``, ``FashionMNIST/raw`` or ``KMNIST/raw`` below the data directory, as
torchvision puts them, plain or gzipped; the data directory may also be that folder itself.
"""

from pathlib import Path

import numpy as np

from imgclf.data.builtin.idx import find_idx, read_idx
from imgclf.data.examples import Examples
from imgclf.data.fetching.download import Remote, fetch
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress

_FILES = {
    "train": ("train-images-idx3-ubyte", "train-labels-idx1-ubyte"),
    "test": ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"),
}
_NAMES = [name for pair in _FILES.values() for name in pair]


class IdxDataset:
    """A dataset of four IDX files.

    Args:
        info: what is known of it.
        folder: the folder's name below the data directory.
        mirrors: addresses that hold the four files.
        checksums: MD5 of the gzipped files: training images and labels, test images and labels.
    """

    def __init__(
        self, info: DatasetInfo, folder: str, mirrors: tuple[str, ...], checksums: tuple[str, ...]
    ) -> None:
        self.info = info
        self._folder = folder
        self._remotes = tuple(
            Remote(tuple(f"{mirror}{name}.gz" for mirror in mirrors), f"md5:{checksum}")
            for name, checksum in zip(_NAMES, checksums, strict=True)
        )

    def is_on_disk(self, root: Path) -> bool:
        """Say whether all four files are there."""
        return self._place(root) is not None

    def download(self, root: Path, progress: OnProgress = None) -> None:
        """Fetch the four gzipped files; they are read as they are."""
        for remote in self._remotes:
            fetch(remote, root / self._folder / "raw", progress)

    def load(self, root: Path, split: str) -> Examples:
        """Return the split as a uint8 array (N, 28, 28)."""
        place = self._place(root) or root / self._folder / "raw"
        images, labels = (read_idx(find_idx(place, name) or place / name) for name in _FILES[split])
        if labels.max(initial=0) >= len(self.info.class_names):
            raise DataError(
                f"{place} has the label {labels.max()}, but '{self.info.name}' has ten classes. "
                f"It is another dataset."
            )
        files = [f"{split}/{index:05d}" for index in range(len(labels))]
        return Examples(images=images, labels=labels.astype(np.int64), files=files)

    def _place(self, root: Path) -> Path | None:
        places = (root / self._folder / "raw", root / self._folder, root / "raw", root)
        return next((place for place in places if all(find_idx(place, name) for name in _NAMES)), None)


def _info(
    name: str, summary: str, class_names: tuple[str, ...], licence: str, source: str, size: int
) -> DatasetInfo:
    return DatasetInfo(
        name=name,
        summary=summary,
        class_names=class_names,
        splits={"train": 60_000, "test": 10_000},
        image_size=(28, 28),
        channels=1,
        licence=licence,
        source=source,
        download_bytes=size,
    )


mnist = IdxDataset(
    _info(
        "mnist",
        "Handwritten digits",
        tuple("0123456789"),
        "CC BY-SA 3.0",
        "http://yann.lecun.com/exdb/mnist/",
        11_594_722,
    ),
    folder="MNIST",
    mirrors=("https://ossci-datasets.s3.amazonaws.com/mnist/",),
    checksums=(
        "f68b3c2dcbeaaa9fbdd348bbdeb94873",
        "d53e105ee54ea40749a09fcbcd1e9432",
        "9fb629c4189551a2d022fa330f9573f3",
        "ec29112dd5afa0611ce80d1b7f02629c",
    ),
)

fashion_mnist = IdxDataset(
    _info(
        "fashion_mnist",
        "Articles of clothing from Zalando",
        (
            "T-shirt/top",
            "Trouser",
            "Pullover",
            "Dress",
            "Coat",
            "Sandal",
            "Shirt",
            "Sneaker",
            "Bag",
            "Ankle boot",
        ),
        "MIT",
        "https://github.com/zalandoresearch/fashion-mnist",
        30_878_645,
    ),
    folder="FashionMNIST",
    mirrors=("http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",),
    checksums=(
        "8d4fb7e6c68d591d4c3dfef9ec88bf0d",
        "25c81989df183df01b3e8a0aad5dffbe",
        "bef4ecab320f06d8554ea6380940ec79",
        "bb300cfdad3c16e7a12a480ee83cd310",
    ),
)

kmnist = IdxDataset(
    _info(
        "kmnist",
        "Cursive Japanese characters (Kuzushiji)",
        ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        "CC BY-SA 4.0",
        "https://github.com/rois-codh/kmnist",
        21_000_000,
    ),
    folder="KMNIST",
    mirrors=("http://codh.rois.ac.jp/kmnist/dataset/kmnist/",),
    checksums=(
        "bdb82020997e1d708af4cf47b453dcf7",
        "e144d726b3acfaa3e44228e80efcd344",
        "5c965bf0a639b31b8f53240b1b52f4d7",
        "7320c461ea6c1c855c0b718fb2a4b134",
    ),
)
