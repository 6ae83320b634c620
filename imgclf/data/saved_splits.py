"""Read back the splits that a run has saved."""

import csv
from pathlib import Path

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.data.splits import Splits
from imgclf.errors import DataError
from imgclf.words import first_line

_COLUMNS = ("file", "label", "split")


def read_split(path: Path, dataset: Dataset) -> Splits:
    """Divide a dataset as a run did.

    Args:
        path: the run's CSV file with the columns file, label and split, one row per image.
        dataset: the same dataset, opened again; images that it has and the file lacks are left out.

    Raises:
        DataError: the file is no such file, or names images or labels that the dataset does not have.
    """
    wanted = _rows(path)
    known = {
        split: {file: at for at, file in enumerate(found.files)} for split, found in dataset.splits.items()
    }
    chosen: dict[str, list[tuple[str, int]]] = {"train": [], "val": [], "test": []}
    for file, label, split in wanted:
        # The split's own images first: two splits may use one name for two images.
        source = next((name for name in (split, "train", "test", "val") if file in known.get(name, {})), None)
        if source is None or split not in chosen:
            raise DataError(
                f"{path} names {file} in {split}, which the dataset '{dataset.info.name}' lacks. Has it changed?"
            )
        at = known[source][file]
        now = dataset.class_names[dataset.splits[source].labels[at]]
        if now != label:
            raise DataError(
                f"{path} says that {file} is '{label}'; in the dataset '{dataset.info.name}' it is '{now}'."
            )
        chosen[split].append((source, at))
    parts = {split: _gather(dataset, places) for split, places in chosen.items()}
    test = parts["test"] if len(parts["test"]) else None
    return Splits(parts["train"], parts["val"], test)


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
