"""Images whose label is likely wrong, for a person to look at.

With the extra ``review``, cleanlab ranks them (confident learning: Northcutt, Jiang and Chuang, 2021). Without it, the
heart of the same method does: an image is suspect if the model gives another class at least the probability that
images labelled with that class get on average, and is surer of it than of the image's own label.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from itertools import zip_longest
from pathlib import Path

import numpy as np

from imgclf.data import as_unicode, read_csv_file
from imgclf.errors import DataError
from imgclf.runs import Answers
from imgclf.tables import write_csv

REVIEW_COLUMNS = (
    "file",
    "split",
    "label",
    "suggested",
    "label_confidence",
    "suggested_confidence",
    "new_label",
)
_CONFIDENCES = ("label_confidence", "suggested_confidence")
DROP = "drop"
"""What a person writes as ``new_label`` to leave an image out."""


@dataclass(frozen=True)
class Suspect:
    """An image whose label is likely wrong.

    Attributes:
        file: its name.
        split: where it is.
        label: what the dataset says.
        suggested: what the model says.
        label_confidence: the probability of the dataset's label.
        suggested_confidence: the probability of the suggested one.
    """

    file: str
    split: str
    label: str
    suggested: str
    label_confidence: float
    suggested_confidence: float


@dataclass(frozen=True)
class Suspects:
    """The suspects, most suspect first, and how they were found: ``cleanlab`` or ``confident learning``."""

    found: tuple[Suspect, ...]
    method: str


def find_suspects(answers: Answers, split: str) -> Suspects:
    """Find the images whose label is likely wrong.

    Args:
        answers: probabilities for images that the model was not trained on.
        split: where they are from.
    """
    good = answers.select(answers.answered)
    present = np.unique(good.labels)
    use_cleanlab = find_spec("cleanlab") is not None
    method = "cleanlab" if use_cleanlab else "confident learning"
    if len(present) < 2:
        return Suspects((), method)
    # Only classes that the labels have can be judged; the others keep no column.
    probabilities = good.probabilities[:, present]
    probabilities = probabilities / np.maximum(probabilities.sum(axis=1, keepdims=True), np.finfo(float).tiny)
    labels = np.searchsorted(present, good.labels)
    indices = _by_cleanlab(labels, probabilities) if use_cleanlab else _by_thresholds(labels, probabilities)
    return Suspects(tuple(_suspect(good, int(index), split) for index in indices), method)


def write_review(path: Path, suspects: Sequence[Suspect]) -> None:
    """Write suspects as a CSV that a person can edit: its last column, ``new_label``, is empty.

    A class name there changes the label, ``drop`` leaves the image out, and nothing keeps it as it is;
    ``imgclf review apply`` makes a manifest of it.
    """
    rows = []
    for one in suspects:
        sure = (f"{one.label_confidence:.4f}", f"{one.suggested_confidence:.4f}")
        rows.append([one.file, one.split, one.label, one.suggested, *sure, ""])
    write_csv(path, REVIEW_COLUMNS, rows, byte_order_mark=True)


def read_review(path: Path) -> list[tuple[int, Suspect, str]]:
    """Read a review that a person may have edited, as spreadsheets save it in any country.

    Returns:
        (line number, suspect, what is in ``new_label``) per row.

    Raises:
        DataError: the file is missing, or lacks a column or a number.
    """
    table = read_csv_file(path)
    if missing := [name for name in REVIEW_COLUMNS if name not in table.names]:
        raise DataError(
            f"{path}: no review file (it lacks the column {missing[0]}). imgclf evaluate writes one."
        )
    return [
        _from_cells(path, line, table.names, row) for line, row in zip(table.lines, table.rows, strict=True)
    ]


def _from_cells(
    path: Path, line: int, names: Sequence[str], cells: Sequence[str]
) -> tuple[int, Suspect, str]:
    row = {name: as_unicode(cell) for name, cell in zip_longest(names, cells, fillvalue="")}
    sure = [_number(row[name], f"{path}, line {line}") for name in _CONFIDENCES]
    suspect = Suspect(row["file"], row["split"], row["label"], row["suggested"], *sure)
    return line, suspect, row["new_label"].strip()


def _number(cell: str, where: str) -> float:
    """Read 0.93, and 0,93 as spreadsheets in many countries save it."""
    try:
        return float(cell.replace(",", ".") or 0)
    except ValueError:
        raise DataError(
            f"{where}: '{cell}' is no confidence, expected a number from 0 to 1. Only new_label is for writing."
        ) from None


def _by_cleanlab(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    from cleanlab.filter import find_label_issues  # noqa: PLC0415 - an extra

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Small classes make it warn about its own estimates.
        indices: np.ndarray = find_label_issues(
            labels, probabilities, return_indices_ranked_by="self_confidence", n_jobs=1
        )
    return indices


def _by_thresholds(labels: np.ndarray, probabilities: np.ndarray) -> np.ndarray:
    """Confident learning's thresholds: the mean probability of a class over the images labelled with it."""
    images = np.arange(len(labels))
    own = probabilities[images, labels]
    counts = np.bincount(labels, minlength=probabilities.shape[1])
    thresholds = np.bincount(labels, weights=own, minlength=probabilities.shape[1]) / counts
    given = probabilities.argmax(axis=1)
    suspect = np.flatnonzero((given != labels) & (probabilities[images, given] >= thresholds[given]))
    order: np.ndarray = suspect[np.argsort(own[suspect], kind="stable")]
    return order


def _suspect(answers: Answers, index: int, split: str) -> Suspect:
    row, label = answers.probabilities[index], int(answers.labels[index])
    others = row.copy()
    others[label] = -1.0
    suggested = int(others.argmax())
    return Suspect(
        file=answers.files[index],
        split=split,
        label=answers.class_names[label],
        suggested=answers.class_names[suggested],
        label_confidence=float(row[label]),
        suggested_confidence=float(row[suggested]),
    )
