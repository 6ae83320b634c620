"""Which classes a dataset has: the same rules for folders, manifests and Parquet."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from imgclf.data.images.names import display_name
from imgclf.errors import DataError


def learnable_classes(where: str, counts: Mapping[str, Mapping[str, int]], hint: str) -> tuple[str, ...]:
    """Return the classes that have images in `train`, by code point; refuse what no model could learn.

    Args:
        where: the dataset as the user knows it.
        counts: split -> class name -> number of images. Without `train` (a manifest of test images only) every
            class counts.
        hint: what the dataset should look like, as a sentence.

    Raises:
        DataError: `train` lacks a class that another split has, or there are no images.
    """
    learnt = (
        counts["train"]
        if "train" in counts
        else sum((Counter(split) for split in counts.values()), Counter())
    )
    names = sorted(name for name, count in learnt.items() if count)
    for split in counts:
        unknown = sorted(name for name, count in counts[split].items() if count and name not in set(names))
        if unknown and names:
            raise DataError(
                f"{where}: the {split} split has the class {quoted(unknown)}, which train lacks, so no model could "
                f"learn it. Train has: {quoted(names)}. Add images of it to train, or remove it from {split}."
            )
    if not names:
        raise DataError(f"{where} holds no images with a class. {hint}")
    return tuple(names)


def sorted_names(names: Iterable[str]) -> list[str]:
    """Sort class names by code point; whole numbers by value, so that 10 comes after 9.

    >>> sorted_names(["b", "a", "B"]), sorted_names({"10", "9"})
    (['B', 'a', 'b'], ['9', '10'])
    """
    found = list(names)
    # isdecimal and isascii: int() would also take "²" for no number and "٣" for three.
    numbers = all(name.isascii() and name.removeprefix("-").isdecimal() for name in found)
    return sorted(found, key=int) if numbers else sorted(found)


def missing_class_warnings(counts: Mapping[str, Mapping[str, int]], class_names: Sequence[str]) -> list[str]:
    """Return a sentence per split that lacks a class: its measures say nothing of that class."""
    missing = {split: [name for name in class_names if not counts[split].get(name)] for split in counts}
    return [
        f"The {split} split has no image of {quoted(names)}." for split, names in missing.items() if names
    ]


def label_indices(labels: Sequence[str], class_names: Sequence[str]) -> np.ndarray:
    """Return int64 (N,): the index of each label among the class names."""
    index = {name: position for position, name in enumerate(class_names)}
    return np.asarray([index[label] for label in labels], dtype=np.int64)


def quoted(names: Iterable[str], most: int = 10) -> str:
    """Return names for a sentence: "'a', 'b' and 3 more"."""
    shown = [f"'{display_name(name)}'" for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
