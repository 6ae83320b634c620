"""The embedded default: 1,797 real handwritten digits, 8x8 pixels, shipped with scikit-learn.

Source: E. Alpaydin and C. Kaynak (1998), Optical Recognition of Handwritten Digits, UCI Machine Learning
Repository, https://doi.org/10.24432/C50P49; scikit-learn holds its test part. Licence: CC BY 4.0.

The set has no official split. Ours is fixed: in each class every fifth image, in an order drawn once with a
seeded generator, is `test` (355 images); the other 1,442 are `train`. Pixels have 17 levels of grey (0 to
16), spread here over 0 to 255.
"""

from pathlib import Path

import numpy as np

from imgclf.data.examples import Examples
from imgclf.records import DatasetInfo, OnProgress


class Digits:
    """scikit-learn's handwritten digits."""

    info = DatasetInfo(
        name="digits",
        summary="Handwritten digits, 8x8 grey, embedded: nothing to download",
        class_names=tuple("0123456789"),
        splits={"train": 1442, "test": 355},
        image_size=(8, 8),
        channels=1,
        licence="CC BY 4.0",
        source="https://doi.org/10.24432/C50P49",
    )

    def is_on_disk(self, root: Path) -> bool:
        """Return True: the images come with scikit-learn."""
        return True

    def download(self, root: Path, progress: OnProgress = None) -> None:
        """Do nothing: the images come with scikit-learn."""

    def load(self, root: Path, split: str) -> Examples:
        """Return the split as a uint8 array (N, 8, 8)."""
        from sklearn.datasets import load_digits  # noqa: PLC0415 - slow to import, and only this set needs it

        bunch = load_digits()
        labels = np.asarray(bunch.target, dtype=np.int64)
        pixels = np.round(bunch.images * (255 / 16)).astype(np.uint8)
        chosen = np.flatnonzero(_is_test(labels) == (split == "test"))
        files = [f"{split}/{index:04d}" for index in chosen]
        return Examples(images=pixels[chosen], labels=labels[chosen], files=files)


def _is_test(labels: np.ndarray) -> np.ndarray:
    """Return bool (N,): every fifth image of each class in an order drawn with PCG64(0).

    Raw output of a bit generator never changes between NumPy versions; its distributions may.
    """
    order = np.argsort(np.random.PCG64(0).random_raw(len(labels)), kind="stable")
    test = np.zeros(len(labels), dtype=bool)
    for label in range(10):
        test[order[labels[order] == label][4::5]] = True
    return test
