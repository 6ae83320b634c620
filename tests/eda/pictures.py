"""Small datasets made of arrays, for the tests of eda."""

import numpy as np
from PIL import Image

from imgclf.data import Dataset, Examples
from imgclf.records import DatasetInfo


def photo(seed: int, width: int = 72, height: int = 72) -> np.ndarray:
    """A smooth random colour picture with fine grain, uint8 (H, W, 3)."""
    random = np.random.default_rng(seed)
    coarse = Image.fromarray(random.integers(0, 256, (6, 6, 3), dtype=np.uint8))
    smooth = np.asarray(coarse.resize((width, height), Image.Resampling.BICUBIC)).astype(int)
    return (smooth + random.integers(-12, 13, smooth.shape)).clip(0, 255).astype(np.uint8)


def examples(images: list, labels: list[int], prefix: str) -> Examples:
    """Examples with made-up names."""
    files = [f"{prefix}/{index}.png" for index in range(len(images))]
    return Examples(images=images, labels=np.array(labels, dtype=np.int64), files=files)


def dataset(train: list, test: list | None = None, labels: list[int] | None = None, **more) -> Dataset:
    """A dataset of two classes, ``a`` and ``b``, by turns unless labels are given (for train, then test)."""
    test = test or []
    labels = labels or [index % 2 for index in range(len(train) + len(test))]
    splits = {"train": examples(train, labels[: len(train)], "train")}
    if test:
        splits["test"] = examples(test, labels[len(train) :], "test")
    info = DatasetInfo(name="made", summary="Made for a test")
    return Dataset(info=info, class_names=("a", "b"), splits=splits, **more)
