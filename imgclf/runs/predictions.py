"""The file of an evaluation's answers, one row an image: what every figure of an evaluation derives from.

Columns, in CSV and Parquet alike:

    file               the image's name
    true_label         the class that the dataset gives it
    label              the most probable class (the model's threshold is not applied here)
    confidence         its probability
    error              why there is no answer; then label, confidence and probabilities are empty
    topI_label, topI_confidence     the best classes, I = 1 .. k
    probability_NAME   the probability of each class, in the model's class order, calibrated as ``predict`` gives it

``label`` is the predicted class because it is that in the files of ``imgclf predict`` too.
"""

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.atomic import write_atomically
from imgclf.errors import RunError
from imgclf.tables import write_csv
from imgclf.task import SINGLE_LABEL

_PROBABILITY = "probability_"


@dataclass(frozen=True, eq=False)
class Answers:
    """The answers of a model for the images of a split.

    Attributes:
        files: N names.
        labels: int64 (N,), the true classes.
        probabilities: float64 (N, K); a row of NaN where there is no answer.
        class_names: K names.
        errors: N reasons why there is no answer; an empty string where there is one.
    """

    files: tuple[str, ...]
    labels: np.ndarray
    probabilities: np.ndarray
    class_names: tuple[str, ...]
    errors: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.files)

    @property
    def answered(self) -> np.ndarray:
        """Bool (N,): which images have an answer."""
        return np.array([not error for error in self.errors], dtype=bool)

    @cached_property
    def predicted(self) -> np.ndarray:
        """The predicted classes, int64 (N,); nothing to go by where there is no answer."""
        return SINGLE_LABEL.predicted(self.probabilities)

    @cached_property
    def confidence(self) -> np.ndarray:
        """How sure the model is of them, float64 (N,); NaN where there is no answer."""
        return SINGLE_LABEL.confidence(self.probabilities)

    @cached_property
    def correct(self) -> np.ndarray:
        """Bool (N,): which predictions are the label; False where there is no answer."""
        right: np.ndarray = SINGLE_LABEL.correct(self.probabilities, self.labels) & self.answered
        return right

    def surest_errors(self) -> np.ndarray:
        """Return the indices of the wrong predictions, int64 (E,), the surest first."""
        wrong = np.flatnonzero(self.answered & ~self.correct)
        order: np.ndarray = wrong[np.argsort(-self.confidence[wrong], kind="stable")]
        return order

    def select(self, indices: np.ndarray) -> "Answers":
        """Return the answers at these indices, or where this bool array (N,) is True."""
        chosen = np.arange(len(self))[indices]
        return Answers(
            files=tuple(self.files[index] for index in chosen),
            labels=self.labels[chosen],
            probabilities=self.probabilities[chosen],
            class_names=self.class_names,
            errors=tuple(self.errors[index] for index in chosen),
        )


def write_predictions(path: Path, answers: Answers, top_k: int = 5) -> None:
    """Write answers as CSV or Parquet, as the file's ending says, atomically.

    A CSV holds nine digits of each probability, Parquet all of them.

    Args:
        path: ends in ``.csv`` or ``.parquet``.
        answers: what to write.
        top_k: how many of the best classes a row lists; clamped to the classes.
    """
    if path.suffix == ".parquet":
        _write_parquet(path, answers, top_k)
        return
    write_csv(path, _columns(answers, top_k), _rows(answers, top_k))


def read_predictions(path: Path) -> Answers:
    """Read the answers that an evaluation wrote.

    Raises:
        RunError: the file is missing, or no such file.
    """
    try:
        columns = _read_parquet(path) if path.suffix == ".parquet" else _read_csv(path)
        names = [column for column in columns if column.startswith(_PROBABILITY)]
        class_names = tuple(name.removeprefix(_PROBABILITY) for name in names)
        index = {name: place for place, name in enumerate(class_names)}
        probabilities = np.array([columns[name] for name in names], dtype=np.float64).T
        return Answers(
            files=tuple(columns["file"]),
            labels=np.array([index[name] for name in columns["true_label"]], dtype=np.int64),
            probabilities=probabilities.reshape(-1, len(names)),
            class_names=class_names,
            errors=tuple(error or "" for error in columns["error"]),
        )
    except (OSError, KeyError, ValueError) as error:
        raise RunError(
            f"{path}: not a readable file of predictions ({type(error).__name__}: {error}). "
            f"Write it anew with: imgclf evaluate"
        ) from None


def find_predictions(folder: Path) -> Path | None:
    """Return the file of predictions in a folder, or None; of two, the newer one."""
    found = [path for path in (folder / "predictions.csv", folder / "predictions.parquet") if path.is_file()]
    return max(found, key=lambda path: path.stat().st_mtime) if found else None


def _columns(answers: Answers, top_k: int) -> list[str]:
    ranks = range(1, min(top_k, len(answers.class_names)) + 1)
    ranked = [f"top{rank}_{what}" for rank in ranks for what in ("label", "confidence")]
    every = [f"{_PROBABILITY}{name}" for name in answers.class_names]
    return ["file", "true_label", "label", "confidence", "error", *ranked, *every]


def _best(answers: Answers, top_k: int) -> np.ndarray:
    """The best classes of each image, best first, int64 (N, k); equal ones in class order."""
    return np.argsort(-answers.probabilities, axis=1, kind="stable")[:, :top_k]


def _rows(answers: Answers, top_k: int) -> Iterator[list[str]]:
    names, best = answers.class_names, _best(answers, top_k)
    empty = [""] * (2 * best.shape[1] + len(names))
    for row, (file, label, error) in enumerate(
        zip(answers.files, answers.labels, answers.errors, strict=True)
    ):
        if error:
            yield [file, names[label], "", "", error, *empty]
            continue
        values = [f"{value:.9g}" for value in answers.probabilities[row].tolist()]
        ranked = [cell for place in best[row] for cell in (names[place], values[place])]
        yield [file, names[label], ranked[0], ranked[1], "", *ranked, *values]


def _write_parquet(path: Path, answers: Answers, top_k: int) -> None:
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s that a CSV does without
    import pyarrow.parquet as pq  # noqa: PLC0415

    names, best, bad = answers.class_names, _best(answers, top_k), ~answers.answered
    ranks = [(place, best[:, place]) for place in range(best.shape[1])]
    labels = [_without(bad, [names[index] for index in column]) for _, column in ranks]
    sure = [pa.array(answers.probabilities[np.arange(len(answers)), column], mask=bad) for _, column in ranks]
    columns: list[Any] = [
        [file.encode("utf-8", "surrogateescape").decode("utf-8", "replace") for file in answers.files],
        [names[label] for label in answers.labels],
        labels[0],
        sure[0],
        [error or None for error in answers.errors],
        *(column for pair in zip(labels, sure, strict=True) for column in pair),
        *(pa.array(answers.probabilities[:, index], mask=bad) for index in range(len(names))),
    ]
    arrays = [pa.array(column, pa.string()) if isinstance(column, list) else column for column in columns]
    table = pa.Table.from_arrays(arrays, names=_columns(answers, top_k))
    write_atomically(path, lambda file: pq.write_table(table, file))


def _without(bad: np.ndarray, values: Sequence[str]) -> list[str | None]:
    return [None if missing else value for missing, value in zip(bad, values, strict=True)]


def _read_parquet(path: Path) -> dict[str, Any]:
    import pyarrow.parquet as pq  # noqa: PLC0415

    table = pq.read_table(path)
    return {
        name: column.to_numpy() if name.startswith(_PROBABILITY) else column.to_pylist()
        for name, column in zip(table.column_names, table.columns, strict=True)
    }


def _read_csv(path: Path) -> dict[str, Any]:
    with path.open(newline="", encoding="utf-8", errors="surrogateescape") as file:
        reader = csv.reader(file)
        header = next(reader, [])
        columns: Iterable[Sequence[str]] = list(zip(*reader, strict=True)) or [()] * len(header)
    return {
        name: [float(value) if value else np.nan for value in column]
        if name.startswith(_PROBABILITY)
        else column
        for name, column in zip(header, columns, strict=True)
    }
