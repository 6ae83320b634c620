"""Images with labels, before any pixel is read: what every dataset gives and every later stage takes."""

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeAlias, overload

import numpy as np
from PIL import Image

from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage

ImageSource: TypeAlias = Path | bytes | np.ndarray | Image.Image
"""A file, an encoded image, or pixels: uint8 (H, W) grey or (H, W, 3) RGB."""


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


@dataclass(frozen=True, eq=False)
class Examples:
    """The images of one split with their labels.

    Attributes:
        images: N sources; a uint8 array (N, H, W) or (N, H, W, 3) where the pixels are at hand already.
        labels: int64 (N,), indices into the dataset's class names.
        files: N names, unique within the split, as a person would look them up: a path, or "test/00042".
        groups: N group keys (a patient, a video) that a split must not tear apart, or empty.
    """

    images: Sequence[ImageSource] | np.ndarray
    labels: np.ndarray
    files: Sequence[str]
    groups: Sequence[str] = ()

    def __post_init__(self) -> None:
        if not len(self.images) == len(self.labels) == len(self.files):
            raise DataError(
                f"A dataset gave {len(self.images)} images, {len(self.labels)} labels and {len(self.files)} names; "
                f"there must be as many of each. Report this to the dataset's author."
            )

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[ImageSource, int]:
        return self.images[index], int(self.labels[index])

    def select(self, indices: np.ndarray | Sequence[int]) -> "Examples":
        """Return the examples at these indices, in this order."""
        chosen = np.asarray(indices, dtype=np.int64)
        images: Sequence[ImageSource] | np.ndarray
        if isinstance(self.images, np.ndarray):
            images = self.images[chosen]
        elif isinstance(self.images, list | tuple):
            images = [self.images[i] for i in chosen]
        else:  # Lazy: what lies on a disk is not fetched by choosing it.
            images = Chosen(self.images, chosen)
        files = [self.files[i] for i in chosen]
        groups = [self.groups[i] for i in chosen] if self.groups else ()
        return Examples(images=images, labels=self.labels[chosen], files=files, groups=groups)


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


@dataclass(frozen=True, eq=False)
class Dataset:
    """An opened dataset.

    Attributes:
        info: what is known of it; ``info.name`` names runs.
        class_names: in index order.
        splits: ``train``, and where the dataset has them ``val`` and ``test``.
        unreadable: files that were found but can hold no image, with the reason.
        warnings: sentences that the user should read (a class missing from a split, say).
    """

    info: DatasetInfo
    class_names: tuple[str, ...]
    splits: Mapping[str, Examples]
    unreadable: tuple[UnreadableImage, ...] = ()
    warnings: tuple[str, ...] = field(default=())
