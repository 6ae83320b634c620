"""MedMNIST's files: one ``.npz`` with ``train_images``, ``train_labels`` and so on, as arrays of pixels."""

import zipfile
from pathlib import Path
from typing import final

import numpy as np

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, SplitRows, Wishes
from imgclf.data.taken import Taken
from imgclf.errors import DataError


@final
class MedMnist:
    """A ``.npz`` of images and labels by split."""

    name = "medmnist"
    summary = "MedMNIST's .npz with images and labels by split"
    made_with = "its documented form"
    reads = "train, val and test of grey or colour images; class numbers are the names, since the file has no others."
    leaves_out = "Three-dimensional images, and sets of several labels an image (ChestMNIST), are refused."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether it is an archive with these arrays."""
        if path.suffix.lower() != ".npz" or not zipfile.is_zipfile(path):
            return False
        with zipfile.ZipFile(path) as archive:
            return {"train_images.npy", "train_labels.npy"} <= set(archive.namelist())

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the arrays of all splits."""
        with np.load(path, allow_pickle=False) as arrays:
            splits = {
                split: _rows(arrays[f"{split}_images"], arrays[f"{split}_labels"], split, path)
                for split in ("train", "val", "test")
                if f"{split}_images" in arrays
            }
        return Reading(
            splits, Taken(self.name, "arrays of pixels", "arrays of numbers", "names of the arrays")
        )


def _rows(images: np.ndarray, labels: np.ndarray, split: str, path: Path) -> SplitRows:
    if labels.reshape(len(labels), -1).shape[1] != 1:
        raise DataError(
            f"{display_name(path)} has {labels.shape[1]} labels an image. One label an image is learnt; this set is "
            f"multi-label."
        )
    if images.dtype != np.uint8 or images.ndim not in (3, 4) or (images.ndim == 4 and images.shape[3] != 3):
        raise DataError(
            f"{display_name(path)} has {split} images of shape {images.shape[1:]} and type {images.dtype}; expected uint8 "
            f"(height, width) or (height, width, 3)."
        )
    files = [f"{split}/{row:05d}" for row in range(len(images))]
    return SplitRows(images, labels.reshape(-1).tolist(), files)
