"""What a dataset plugin is: one class, at most a page long, and one entry point.

A third party copies ``imgclf/data/builtin/cifar10.py``, changes it, and declares it in its own
``pyproject.toml``::

    [project.entry-points."imgclf.datasets"]
    flowers17 = "flowers17_plugin:Flowers17"

After ``pip install .`` in that folder, ``imgclf train --data flowers17`` works, and ``imgclf datasets``
lists it. A plugin knows no transforms, loaders or models. It comes in one of two shapes:

- :class:`DatasetPlugin` knows its class names and splits beforehand (``cifar10``, ``digits``).
- :class:`DatasetReader` learns them from what it opens (``image_folder``, ``manifest``, ``parquet``).
"""

from collections.abc import Iterable
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress

"""Called now and then during long work; None is nobody listening."""


@runtime_checkable
class DatasetPlugin(Protocol):
    """A dataset whose class names and splits are known beforehand.

    ``root`` is the data directory (``--data-dir``); a plugin keeps its files in a folder of its own below it
    and writes nowhere else.
    """

    info: DatasetInfo

    def is_on_disk(self, root: Path) -> bool:
        """Say whether :meth:`load` would work without :meth:`download`; quick, and never touches the network."""
        ...

    def download(self, root: Path, progress: OnProgress = None) -> None:
        """Fetch the files into ``root`` and check their checksums; raise ``DownloadError`` otherwise."""
        ...

    def load(self, root: Path, split: str) -> Examples | Iterable[tuple[Any, int]]:
        """Return one of the splits that ``info.splits`` names.

        :class:`~imgclf.data.examples.Examples` is best. Any iterable of ``(image, label)`` will do for a set that
        fits into memory: an image is a path, encoded bytes, a PIL image or a uint8 array (H, W) or (H, W, 3); a
        label is an index into ``info.class_names``.
        """
        ...


@runtime_checkable
class DatasetReader(Protocol):
    """A dataset that tells its class names only when it is opened."""

    info: DatasetInfo

    def is_on_disk(self, root: Path) -> bool:
        """Say whether :meth:`open` would find something."""
        ...

    def open(self, root: Path, *, download: bool = True, progress: OnProgress = None) -> Dataset:
        """Return the whole dataset; fetch it first where ``download`` allows and it is missing."""
        ...


def as_examples(loaded: Any, dataset: str, split: str) -> Examples:
    """Return ``loaded`` as :class:`Examples`, reading an iterable of ``(image, label)`` to its end.

    Raises:
        DataError: the items are not pairs of an image and a whole number.
    """
    if isinstance(loaded, Examples):
        return loaded
    images, labels = [], []
    try:
        for image, label in loaded:
            images.append(Path(image) if isinstance(image, str) else image)
            labels.append(int(label))
    except (TypeError, ValueError) as error:
        raise DataError(
            f"The dataset '{dataset}' gave something else than (image, label) pairs for '{split}' after "
            f"{len(labels)} items: {error}. Report this to its author."
        ) from error
    files = [f"{split}/{index:05d}" for index in range(len(labels))]
    return Examples(images=images, labels=np.asarray(labels, dtype=np.int64), files=files)
