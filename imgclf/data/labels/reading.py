"""What a format is asked and what it gives: rows by split, and what it took for image, label, split and group."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from imgclf.data.images.source import ImageSource
from imgclf.data.taken import Taken
from imgclf.recipes import DataConfig
from imgclf.records import UnreadableImage


@dataclass(frozen=True)
class Wishes:
    """What a person says of data that can be read in several ways; None leaves it to the format.

    Attributes:
        image_column: the column of paths or encoded images.
        label_column: the column of labels.
        split_column: the column of train, val and test; empty for none.
        group_column: the column of what a split must not tear apart; empty for none.
        class_depth: how many folders, one in the other, name a class.
    """

    image_column: str | None = None
    label_column: str | None = None
    split_column: str | None = None
    group_column: str | None = None
    class_depth: int | None = None


def wishes_of(config: DataConfig) -> Wishes:
    """Return what a config says of how its data is read."""
    return Wishes(
        config.image_column,
        config.label_column,
        config.split_column,
        config.group_column,
        config.class_depth,
    )


@dataclass
class SplitRows:
    """The rows of one split; all four are of one length, ``groups`` may be empty.

    Attributes:
        images: where each image is, or the pixels of all: uint8 (N, H, W) or (N, H, W, 3).
        labels: as the source has them: text, numbers, None. See :mod:`imgclf.data.labels.cells`.
        files: a name for each, unique within the split.
        groups: what a split must not tear apart; empty text for none.
    """

    images: Sequence[ImageSource] | np.ndarray = field(default_factory=list)
    labels: Sequence[Any] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


@dataclass(frozen=True, eq=False)
class Reading:
    """What a format read.

    Attributes:
        splits: `train`, `val`, `test` -> rows.
        taken: what was taken for what; rows and those without a label are counted later.
        class_names: in index order, where the source fixes them; labels that are whole numbers mean these.
        unreadable: what was found but can be no image, with the reason.
        warnings: sentences that a person should read.
        hint: what the source should look like, as a sentence, for the error where it gives no dataset.
    """

    splits: Mapping[str, SplitRows]
    taken: Taken
    class_names: tuple[str, ...] = ()
    unreadable: tuple[UnreadableImage, ...] = ()
    warnings: tuple[str, ...] = ()
    hint: str = ""

    def warned(self, *warnings: str) -> "Reading":
        """Return the same reading with more to tell."""
        return replace(self, warnings=(*self.warnings, *warnings))
