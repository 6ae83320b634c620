"""Encoded images that lie in larger files (shards, Parquet): sequences that read an image when it is asked for."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import overload

import numpy as np

from imgclf.data.images.source import ImageSource


@dataclass(frozen=True, eq=False)
class Blocks:
    """Which images are cheap to read one after the other.

    Attributes:
        of_image: int64 (N,), the block of each image.
        together: how many blocks may be read in turn.
    """

    of_image: np.ndarray
    together: int


@dataclass(frozen=True, eq=False)
class Storage:
    """How encoded images lie where they are.

    Attributes:
        nbytes: size of all of them.
        identity: changes when an image does; saves reading all of them to tell.
        blocks: which are cheap to read together; None where any order is as good.
    """

    nbytes: int
    identity: str
    blocks: Blocks | None = None


class StoredImages(Sequence[ImageSource], ABC):
    """Encoded images in larger files, read when they are asked for."""

    @property
    @abstractmethod
    def storage(self) -> Storage:
        """How they lie there."""


class Chosen(Sequence[ImageSource]):
    """Some images of a lazy sequence, still lazy.

    Args:
        images: the sequence.
        indices: int64 (N,), which of them, in order.
    """

    def __init__(self, images: Sequence[ImageSource], indices: np.ndarray) -> None:
        self._images, self._indices = images, indices

    def __len__(self) -> int:
        return len(self._indices)

    @overload
    def __getitem__(self, index: int) -> ImageSource: ...
    @overload
    def __getitem__(self, index: slice) -> "Chosen": ...
    def __getitem__(self, index: int | slice) -> "ImageSource | Chosen":
        """Return one image, or a part that is as lazy."""
        if isinstance(index, slice):
            return Chosen(self._images, self._indices[index])
        return self._images[int(self._indices[index])]

    @property
    def storage(self) -> Storage | None:
        """How they lie where they are; their size is a share of the whole, as if all images were of one size."""
        whole = storage_of(self._images)
        if whole is None:
            return None
        which = hashlib.blake2b(self._indices.tobytes(), digest_size=16).hexdigest()
        return Storage(
            nbytes=whole.nbytes * len(self) // max(1, len(self._images)),
            identity=f"{whole.identity}\n{which}",
            blocks=whole.blocks and Blocks(whole.blocks.of_image[self._indices], whole.blocks.together),
        )


def storage_of(images: Sequence[ImageSource] | np.ndarray) -> Storage | None:
    """Return how images lie in larger files; None for files of their own and for pixels."""
    return images.storage if isinstance(images, StoredImages | Chosen) else None
