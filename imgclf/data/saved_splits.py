"""Read back the splits that a run has saved."""

import csv
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePath

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.data.splits import Splits
from imgclf.errors import DataError
from imgclf.words import first_line

_COLUMNS = ("file", "label", "split")


@dataclass(frozen=True)
class SplitChanges:
    """How a dataset differs from what a run has seen of it.

    Attributes:
        missing: names of images that are gone, by split.
        relabelled: (name as it is now, label then, label now) of images whose label was corrected.
    """

    missing: Mapping[str, tuple[str, ...]]
    relabelled: tuple[tuple[str, str, str], ...] = ()


def read_split(path: Path, dataset: Dataset) -> tuple[Splits, SplitChanges]:
    """Divide a dataset as a run did, and say what has changed in it since.

    An image that is gone is left out. One whose label was corrected has its new one: in a manifest, or by moving its
    file to another class's folder, where it is known by its name as long as no other new file has that name.

    Args:
        path: the run's CSV file with the columns file, label and split, one row per image.
        dataset: the same dataset, opened again; images that it has and the file lacks are left out.

    Raises:
        DataError: the file is no such file, or names none of the dataset's images.
    """
    wanted = _rows(path)
    known = {
        split: {file: at for at, file in enumerate(found.files)} for split, found in dataset.splits.items()
    }
    moved = _moved(wanted, known)
    chosen: dict[str, list[tuple[str, int]]] = {"train": [], "val": [], "test": []}
    missing: dict[str, list[str]] = {}
    relabelled: list[tuple[str, str, str]] = []
    for file, label, split in wanted:
        place = _place(file, split, known) or moved.get((split, file))
        if place is None:
            missing.setdefault(split, []).append(file)
            continue
        found = dataset.splits[place[0]]
        now = dataset.class_names[found.labels[place[1]]]
        if now != label:
            relabelled.append((found.files[place[1]], label, now))
        chosen[split].append(place)
    if not any(chosen.values()):
        raise DataError(
            f"{path} names {wanted[0][0]} in {wanted[0][2]}, which the dataset '{dataset.info.name}' lacks. "
            f"Has it changed?"
        )
    parts = {split: _gather(dataset, places) for split, places in chosen.items()}
    test = parts["test"] if len(parts["test"]) else None
    changes = SplitChanges({split: tuple(files) for split, files in missing.items()}, tuple(relabelled))
    return Splits(parts["train"], parts["val"], test), changes


def _place(file: str, split: str, known: Mapping[str, Mapping[str, int]]) -> tuple[str, int] | None:
    # The split's own images first: two splits may use one name for two images.
    for name in (split, "train", "test", "val"):
        if file in known.get(name, {}):
            return name, known[name][file]
    return None


def _moved(
    wanted: Sequence[tuple[str, str, str]], known: Mapping[str, Mapping[str, int]]
) -> dict[tuple[str, str], tuple[str, int]]:
    """Return the new place of images that lie in another folder now: (split, old name) -> (split, index)."""
    listed = {file for file, _, _ in wanted}
    gone = [(split, file) for file, _, split in wanted if _place(file, split, known) is None]
    lost = Counter(PurePath(file).name for _, file in gone)
    fresh: dict[str, list[tuple[str, int]]] = {}
    for split, files in known.items():
        for file, at in files.items():
            if file not in listed:
                fresh.setdefault(PurePath(file).name, []).append((split, at))
    return {
        (split, file): fresh[name][0]
        for split, file in gone
        if lost[name := PurePath(file).name] == 1 and len(fresh.get(name, ())) == 1
    }


def _rows(path: Path) -> list[tuple[str, str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            rows = list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise DataError(f"{path} cannot be read: {first_line(error)}.") from error
    if not rows or any(row.get(column) is None for row in rows for column in _COLUMNS):
        raise DataError(
            f"{path} holds no saved split. Expected the columns {', '.join(_COLUMNS)} and a row per image."
        )
    if strange := next((row["split"] for row in rows if row["split"] not in ("train", "val", "test")), None):
        raise DataError(f"{path} names a split '{strange}'. Expected train, val or test.")
    return [(row["file"], row["label"], row["split"]) for row in rows]


def _gather(dataset: Dataset, places: list[tuple[str, int]]) -> Examples:
    """Return the examples at these (split, index) places; all of one split but for a set changed by hand."""
    sources = dict.fromkeys(source for source, _ in places) or {"train": None}
    parts = [
        dataset.splits[source].select(
            np.asarray([at for name, at in places if name == source], dtype=np.int64)
        )
        for source in sources
    ]
    if len(parts) == 1:
        return parts[0]
    return Examples(
        images=[image for part in parts for image in part.images],
        labels=np.concatenate([part.labels for part in parts]),
        files=[file for part in parts for file in part.files],
        groups=[group for part in parts for group in part.groups],
    )
