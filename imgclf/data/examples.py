"""Images with labels, before any pixel is read: what every dataset gives and every later stage takes."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from imgclf.data.images.source import ImageSource
from imgclf.data.stored_images import Chosen
from imgclf.data.taken import Taken
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage


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


@dataclass(frozen=True, eq=False)
class Dataset:
    """An opened dataset.

    Attributes:
        info: what is known of it; ``info.name`` names runs.
        class_names: in index order.
        splits: ``train``, and where the dataset has them ``val`` and ``test``.
        unreadable: files that were found but can hold no image, with the reason.
        warnings: sentences that the user should read (a class missing from a split, say).
        taken: what was taken for image, label, split and group; None for a registered dataset.
    """

    info: DatasetInfo
    class_names: tuple[str, ...]
    splits: Mapping[str, Examples]
    unreadable: tuple[UnreadableImage, ...] = ()
    warnings: tuple[str, ...] = field(default=())
    taken: Taken | None = None
