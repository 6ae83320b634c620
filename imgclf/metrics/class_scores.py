"""Precision, recall and F1 of each class, their averages, and the report that scikit-learn prints."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class ClassScores:
    """Scores by class, each (K,). A score whose denominator is zero is 0, as in scikit-learn.

    Attributes:
        precision: of the images given this class, the share that has it.
        recall: of the images that have this class, the share found.
        f1: harmonic mean of both.
        support: int, images that have the class.
        present: bool, whether the class is in the labels or the predictions; only such classes are averaged.
    """

    precision: np.ndarray
    recall: np.ndarray
    f1: np.ndarray
    support: np.ndarray
    present: np.ndarray

    def macro(self) -> tuple[float, float, float]:
        """Return precision, recall and F1 averaged over the classes present, each class counting the same."""
        return self._average(self.present.astype(np.float64))

    def weighted(self) -> tuple[float, float, float]:
        """Return precision, recall and F1 averaged over the images, so that large classes count more."""
        return self._average(self.support.astype(np.float64))

    def _average(self, weights: np.ndarray) -> tuple[float, float, float]:
        if not weights.sum():
            return (float("nan"),) * 3
        averages = [
            float(np.average(score, weights=weights)) for score in (self.precision, self.recall, self.f1)
        ]
        return averages[0], averages[1], averages[2]


def class_scores(matrix: np.ndarray) -> ClassScores:
    """Score every class of a confusion matrix (K, K)."""
    hits = np.diag(matrix).astype(np.float64)
    support, predicted = matrix.sum(axis=1), matrix.sum(axis=0)
    return ClassScores(
        precision=_ratio(hits, predicted),
        recall=_ratio(hits, support),
        f1=_ratio(2 * hits, support + predicted),
        support=support,
        present=(support + predicted) > 0,
    )


def report_text(matrix: np.ndarray, class_names: Sequence[str], digits: int = 2) -> str:
    """Return the per-class report in the layout of scikit-learn's ``classification_report``.

    Classes that are neither in the labels nor in the predictions are left out, as scikit-learn does.
    """
    scores = class_scores(matrix)
    averages = "weighted avg"
    shown = [index for index in range(len(class_names)) if scores.present[index]]
    width = max([len(class_names[index]) for index in shown] + [len(averages), digits])
    total = int(scores.support.sum())
    head = f"{'':>{width}s} " + "".join(
        f" {name:>9}" for name in ("precision", "recall", "f1-score", "support")
    )
    lines = [head, ""]
    for index in shown:
        values = (scores.precision[index], scores.recall[index], scores.f1[index])
        lines.append(_line(class_names[index], values, int(scores.support[index]), width, digits))
    right = float(np.trace(matrix) / total) if total else float("nan")
    lines += ["", f"{'accuracy':>{width}s} {'':>10}{'':>10} {right:>9.{digits}f} {total:>9}"]
    lines.append(_line("macro avg", scores.macro(), total, width, digits))
    lines.append(_line(averages, scores.weighted(), total, width, digits))
    return "\n".join(lines) + "\n"


def most_confused(matrix: np.ndarray, count: int) -> list[tuple[int, int, int]]:
    """Return the largest off-diagonal cells as (true class, predicted class, images), most images first."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    order = np.argsort(-errors, axis=None, kind="stable")[:count]
    cells = [(int(cell // len(errors)), int(cell % len(errors))) for cell in order]
    return [(true, given, int(errors[true, given])) for true, given in cells if errors[true, given]]


def _line(name: str, values: Sequence[float], support: int, width: int, digits: int) -> str:
    return f"{name:>{width}s} " + "".join(f" {value:>9.{digits}f}" for value in values) + f" {support:>9}"


def _ratio(above: np.ndarray, below: np.ndarray) -> np.ndarray:
    result: np.ndarray = np.divide(above, below, out=np.zeros(len(above)), where=below > 0)
    return result
