"""Divide a dataset into `train`, `val` and `test`: stratified, seeded, groups kept whole.

The same data and seed give the same split on every machine and NumPy version: the order comes from the raw
output of PCG64, which NumPy promises never to change, and from nothing else.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.errors import DataError
from imgclf.records import UnreadableImage

SMALLEST_CLASS_IN_VAL = 5
"""A class with at least so many images has one in `val` even where the fraction rounds to none."""


@dataclass(frozen=True, eq=False)
class Splits:
    """What training, choosing and the final measurement see.

    Attributes:
        train: the images that are learnt.
        val: the images that choose the best epoch.
        test: the images that nothing but ``imgclf evaluate`` sees; None where the dataset has none.
        warnings: sentences that the user should read.
        unreadable: what was left out when the dataset was opened, with the reason.
    """

    train: Examples
    val: Examples
    test: Examples | None
    warnings: tuple[str, ...] = ()
    unreadable: tuple[UnreadableImage, ...] = ()


def make_splits(
    dataset: Dataset,
    *,
    val_fraction: float = 0.1,
    val_from: Literal["auto", "train", "test"] = "auto",
    seed: int = 0,
) -> Splits:
    """Divide a dataset.

    A `val` split of the dataset's own is used as it is. Otherwise a stratified share is taken from `train`
    (``auto``, ``train``) or from `test` (``test``: `val` and the remaining `test` are then disjoint parts of the
    official test set). Every class with two or more images keeps at least one where it came from, and
    examples of one group stay together.

    Args:
        dataset: an opened dataset.
        val_fraction: share of the source split that becomes `val`, in (0, 1).
        val_from: see above.
        seed: any whole number from 0.

    Raises:
        DataError: the dataset lacks the split asked for, or has fewer than two classes, or too few images or groups to divide.
    """
    train, test = _needed(dataset, "train"), dataset.splits.get("test")
    if len(dataset.class_names) < 2:
        raise DataError(
            f"The dataset '{dataset.info.name}' has images of one class only, '{dataset.class_names[0]}'; a classifier "
            f"needs at least two."
        )
    own = dataset.splits.get("val")
    if own is not None and len(own):
        note = f"The dataset has its own val split; --val-from {val_from} is not followed."
        return Splits(train, own, test, () if val_from == "auto" else (note,), dataset.unreadable)
    source = "test" if val_from == "test" else "train"
    examples = _needed(dataset, source)
    if len(examples) < 2:
        raise DataError(
            f"The {source} split has {len(examples)} image; at least 2 are needed to take val from it."
        )
    in_val = _choose(examples, val_fraction, seed)
    rest, val = examples.select(np.flatnonzero(~in_val)), examples.select(np.flatnonzero(in_val))
    told = (_warnings(dataset.class_names, rest, val, source), dataset.unreadable)
    return Splits(train, val, rest, *told) if source == "test" else Splits(rest, val, test, *told)


def split_rows(splits: Splits, class_names: Sequence[str]) -> list[tuple[str, str, str]]:
    """Return (file, label, split) of every image, in order: what a run keeps of its splits."""
    parts = {"train": splits.train, "val": splits.val, "test": splits.test}
    return [
        (file, class_names[label], split)
        for split, examples in parts.items()
        if examples is not None
        for file, label in zip(examples.files, examples.labels, strict=True)
    ]


def _needed(dataset: Dataset, split: str) -> Examples:
    examples = dataset.splits.get(split)
    if examples is None or not len(examples):
        raise DataError(
            f"The dataset '{dataset.info.name}' has no {split} images; it has: "
            f"{', '.join(name for name, found in dataset.splits.items() if len(found)) or 'none at all'}."
        )
    return examples


def _choose(examples: Examples, fraction: float, seed: int) -> np.ndarray:
    """Return bool (N,): which examples become `val`."""
    order = np.argsort(np.random.PCG64(seed).random_raw(len(examples)), kind="stable")
    chosen = (
        _by_group(examples, fraction, order) if any(examples.groups) else _by_class(examples, fraction, order)
    )
    if not chosen.any():
        raise DataError(
            f"No image could be taken for val without emptying a class or tearing a group: {len(examples)} images, "
            f"{len(np.unique(examples.labels))} classes. Add images, or give a val split of your own."
        )
    return chosen


def _val_counts(labels: np.ndarray, fraction: float) -> np.ndarray:
    """Return int (K,): how many images of each class become `val`; at least one stays behind in each."""
    counts = np.bincount(labels)
    wanted = np.floor(counts * fraction + 0.5).astype(np.int64)
    wanted = np.maximum(wanted, counts >= SMALLEST_CLASS_IN_VAL)
    if not wanted.any():
        wanted[np.argmax(counts)] = 1
    return np.asarray(np.minimum(wanted, np.maximum(counts - 1, 0)))


def _by_class(examples: Examples, fraction: float, order: np.ndarray) -> np.ndarray:
    chosen = np.zeros(len(examples), dtype=bool)
    for label, count in enumerate(_val_counts(examples.labels, fraction)):
        chosen[order[examples.labels[order] == label][:count]] = True
    return chosen


def _by_group(examples: Examples, fraction: float, order: np.ndarray) -> np.ndarray:
    """Take whole groups, in random order, as long as each leaves the class counts no farther from those wanted.

    Where all groups are too large for that, the one that is nearest is taken.
    """
    labels, classes = examples.labels, int(examples.labels.max()) + 1
    members: dict[str, list[int]] = {}
    for index in order:
        # An example without a group key is a group of its own.
        members.setdefault(examples.groups[index] or f"\0{index}", []).append(int(index))
    missing, left = _val_counts(labels, fraction), np.bincount(labels, minlength=classes)
    chosen = np.zeros(len(examples), dtype=bool)
    for indices in members.values():
        counts = np.bincount(labels[indices], minlength=classes)
        # A tie is taken: where two images are wanted of groups of four, four are better than none.
        if not _strips_a_class(left, counts) and _distance(missing, counts) <= _distance(missing, 0):
            chosen[indices] = True
            missing, left = missing - counts, left - counts
    if not chosen.any():
        chosen[_nearest(labels, members.values(), missing, left)] = True
    return chosen


def _nearest(
    labels: np.ndarray, groups: Iterable[list[int]], missing: np.ndarray, left: np.ndarray
) -> list[int]:
    """Return the group that is nearest to the counts missing, none where each would empty a class."""
    counted = ((indices, np.bincount(labels[indices], minlength=len(left))) for indices in groups)
    possible = [
        (_distance(missing, counts), indices)
        for indices, counts in counted
        if not _strips_a_class(left, counts)
    ]
    return min(possible, key=lambda each: each[0])[1] if possible else []


def _strips_a_class(left: np.ndarray, counts: np.ndarray) -> bool:
    return bool(((left - counts < 1) & (counts > 0)).any())


def _distance(missing: np.ndarray, counts: np.ndarray | int) -> int:
    return int(((missing - counts) ** 2).sum())


def _warnings(class_names: tuple[str, ...], rest: Examples, val: Examples, source: str) -> tuple[str, ...]:
    present = np.bincount(rest.labels, minlength=len(class_names)) > 0
    chosen = np.bincount(val.labels, minlength=len(class_names)) > 0
    absent = [f"'{class_names[index]}'" for index in np.flatnonzero(present & ~chosen)]
    if not absent:
        return ()
    more = f" and {len(absent) - 10} more" if len(absent) > 10 else ""
    return (f"Too few images of {', '.join(absent[:10])}{more} to take any into val; all stay in {source}.",)
