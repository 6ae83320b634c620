"""How many images each class has in each split, and a plain verdict on balance."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from imgclf.eda.measuring.survey import Survey


@dataclass(frozen=True)
class Counts:
    """Readable images per split and class.

    Attributes:
        per_split: split -> class name -> images, in class order.
        verdict: one sentence on balance in `train`.
        balanced: whether it needs no attention.
        notes: more sentences: classes that a split lacks, shares that differ between splits.
    """

    per_split: Mapping[str, Mapping[str, int]]
    verdict: str
    balanced: bool
    notes: tuple[str, ...] = ()


def count_classes(survey: Survey) -> Counts:
    """Count the readable images of every split and class."""
    names = survey.dataset.class_names
    readable = survey.readable
    table = {
        split: np.bincount(survey.labels[readable & (survey.splits == split)], minlength=len(names))
        for split in survey.dataset.splits
    }
    first = next(iter(table), "train")
    verdict, balanced = _verdict(first, names, table.get(first, np.zeros(len(names), int)))
    per_split = {split: dict(zip(names, counts.tolist(), strict=True)) for split, counts in table.items()}
    return Counts(per_split, verdict, balanced, tuple(_notes(names, table, first)))


def _verdict(split: str, names: tuple[str, ...], counts: np.ndarray) -> tuple[str, bool]:
    if not len(counts) or not counts.any():
        return f"There is no readable image in {split}.", False
    low, high = int(counts.min()), int(counts.max())
    rarest, commonest = names[int(counts.argmin())], names[int(counts.argmax())]
    if not low:
        return f"The class '{rarest}' has no readable image in {split}.", False
    ratio = high / low
    numbers = (
        f"every class has {high:,} images in {split}"
        if high == low
        else f"from {low:,} ('{rarest}') to {high:,} ('{commonest}') images a class in {split}, {ratio:.1f} to 1"
    )
    if ratio <= 1.5:
        return f"Balanced: {numbers}.", True
    if ratio <= 3:
        return f"Slightly imbalanced: {numbers}. Accuracy alone is still a fair measure.", True
    share = high / int(counts.sum())
    degree = "Imbalanced" if ratio <= 10 else "Strongly imbalanced"
    return (
        f"{degree}: {numbers}. Always answering '{commonest}' would be right {share:.0%} of the time: choose by macro "
        f"F1 (--set training.monitor=val_macro_f1) and try --set data.balance=weights.",
        False,
    )


def _notes(names: tuple[str, ...], table: Mapping[str, np.ndarray], first: str) -> list[str]:
    notes = []
    shares = {split: counts / max(counts.sum(), 1) for split, counts in table.items()}
    for split, counts in table.items():
        if split == first or not counts.any():
            continue
        gap = shares[split] - shares[first]
        worst = int(np.abs(gap).argmax())
        if abs(gap[worst]) > 0.05:
            notes.append(
                f"'{names[worst]}' is {shares[first][worst]:.0%} of {first} but {shares[split][worst]:.0%} of {split}."
            )
    return notes
