"""From saved answers to every number of an evaluation; nothing here sees an image or a model."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from imgclf import metrics
from imgclf.metrics import Interval
from imgclf.runs import Answers
from imgclf.task import SINGLE_LABEL

TOP_K = 5
_MOST_PAIRS = 20


@dataclass(frozen=True)
class Calibration:
    """How well confidence matches accuracy at one temperature."""

    temperature: float
    log_loss: float
    brier_score: float
    expected_calibration_error: float
    bins: tuple[metrics.CalibrationBin, ...]


@dataclass(frozen=True)
class ClassRow:
    """One class's scores; AUROC and average precision are NaN where they are not defined."""

    name: str
    images: int
    recall: Interval
    precision: float
    f1: float
    auroc: float
    average_precision: float


@dataclass(frozen=True, eq=False)
class Scores:
    """Every number of an evaluation, from the images that have an answer.

    Attributes:
        images: answered.
        unreadable: without an answer; they count in no other number.
        accuracy: top-1, with its bootstrap interval.
        macro_f1: over the classes that the labels or the predictions have, with its bootstrap interval.
        top_k: k -> accuracy for k = 1 and min(5, classes).
        balanced_accuracy: mean recall of the classes that the split has.
        macro: precision, recall and F1, each class counting the same.
        weighted: precision, recall and F1, each image counting the same.
        cohen_kappa: agreement beyond chance.
        auroc: mean over the classes for which it is defined.
        average_precision: mean over the classes for which it is defined.
        classes: one row per class of the model.
        calibrated: at the temperature of the answers.
        uncalibrated: at temperature 1; None for an average of several answers, which has no temperature.
        matrix: int64 (K, K), true by predicted.
        report: the per-class report as scikit-learn prints it.
    """

    images: int
    unreadable: int
    accuracy: Interval
    macro_f1: Interval
    top_k: Mapping[int, float]
    balanced_accuracy: float
    macro: tuple[float, float, float]
    weighted: tuple[float, float, float]
    cohen_kappa: float
    auroc: float
    average_precision: float
    classes: tuple[ClassRow, ...]
    calibrated: Calibration
    uncalibrated: Calibration | None
    matrix: np.ndarray
    report: str


def score(answers: Answers, temperature: float | None) -> Scores:
    """Measure everything.

    Args:
        answers: the saved answers; images without one are only counted.
        temperature: at which the probabilities were made; None where they are an average of several answers.
    """
    good = answers.select(answers.answered)
    probabilities, labels, names = good.probabilities, good.labels, good.class_names
    matrix = metrics.confusion_matrix(labels, good.predicted, len(names))
    resampled = metrics.bootstrap_accuracy_and_f1(matrix)
    by_class = metrics.class_scores(matrix)
    areas, precisions = metrics.per_class(probabilities, labels)
    raw = None if temperature is None else SINGLE_LABEL.at_temperature(probabilities, temperature, 1.0)
    return Scores(
        images=len(good),
        unreadable=len(answers) - len(good),
        accuracy=honest_interval(metrics.accuracy(matrix), resampled[:, 0], matrix),
        macro_f1=honest_interval(by_class.macro()[2], resampled[:, 1], matrix),
        top_k={k: metrics.top_k_accuracy(probabilities, labels, k) for k in (1, min(TOP_K, len(names)))},
        balanced_accuracy=metrics.balanced_accuracy(matrix),
        macro=by_class.macro(),
        weighted=by_class.weighted(),
        cohen_kappa=metrics.cohen_kappa(matrix),
        auroc=metrics.mean_defined(areas),
        average_precision=metrics.mean_defined(precisions),
        classes=_class_rows(names, matrix, by_class, areas, precisions),
        calibrated=calibration(probabilities, labels, temperature or 1.0),
        uncalibrated=None if raw is None else calibration(raw, labels, 1.0),
        matrix=matrix,
        report=metrics.report_text(matrix, names),
    )


def calibration(probabilities: np.ndarray, labels: np.ndarray, temperature: float) -> Calibration:
    """Measure the probabilities themselves (N, K); the temperature is only noted."""
    confidence, correct = SINGLE_LABEL.confidence(probabilities), SINGLE_LABEL.correct(probabilities, labels)
    bins = metrics.calibration_bins(confidence, correct)
    return Calibration(
        temperature=temperature,
        log_loss=metrics.log_loss(probabilities, labels),
        brier_score=metrics.brier_score(probabilities, labels),
        expected_calibration_error=metrics.expected_calibration_error(bins),
        bins=tuple(bins),
    )


def honest_interval(value: float, resampled: np.ndarray, matrix: np.ndarray) -> Interval:
    """Return a value with its bootstrap interval, or Wilson's of the accuracy where all answers are right or wrong.

    Resampling images that are all right gives only images that are all right: an interval of no width, which would
    claim that the model never errs.
    """
    hits, total = int(np.trace(matrix)), int(matrix.sum())
    if total and hits in (0, total):
        wilson = metrics.wilson_interval(hits, total)
        return Interval(value, wilson.low, wilson.high)
    return metrics.percentile_interval(value, resampled)


def as_plain(scores: Scores) -> dict[str, Any]:
    """Return the scores as JSON has them: names, numbers, null for what is not defined."""
    names = ("precision", "recall", "f1")
    values = {
        "images": scores.images,
        "unreadable": scores.unreadable,
        "accuracy": _interval(scores.accuracy),
        "macro_f1": _interval(scores.macro_f1),
        **{f"top_{k}_accuracy": value for k, value in scores.top_k.items() if k > 1},
        "balanced_accuracy": scores.balanced_accuracy,
        "macro": dict(zip(names, scores.macro, strict=True)),
        "weighted": dict(zip(names, scores.weighted, strict=True)),
        "cohen_kappa": scores.cohen_kappa,
        "auroc": scores.auroc,
        "average_precision": scores.average_precision,
        "calibration": {
            "after": _calibration(scores.calibrated),
            "before": None if scores.uncalibrated is None else _calibration(scores.uncalibrated),
        },
        "classes": [_class(row) for row in scores.classes],
        "most_confused": [
            {"true_label": scores.classes[true].name, "label": scores.classes[given].name, "images": images}
            for true, given, images in metrics.most_confused(scores.matrix, _MOST_PAIRS)
        ],
        "confusion_matrix": scores.matrix.tolist() if len(scores.matrix) <= 100 else None,
    }
    return {key: without_nan(value) for key, value in values.items()}


def without_nan(value: Any) -> Any:
    """Replace NaN by None all through: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_nan(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _class_rows(
    names: tuple[str, ...],
    matrix: np.ndarray,
    by_class: metrics.ClassScores,
    areas: np.ndarray,
    precisions: np.ndarray,
) -> tuple[ClassRow, ...]:
    return tuple(
        ClassRow(
            name=name,
            images=int(by_class.support[index]),
            recall=metrics.wilson_interval(int(matrix[index, index]), int(by_class.support[index])),
            precision=float(by_class.precision[index]),
            f1=float(by_class.f1[index]),
            auroc=float(areas[index]),
            average_precision=float(precisions[index]),
        )
        for index, name in enumerate(names)
    )


def _interval(interval: Interval) -> dict[str, float]:
    return {"value": interval.value, "low": interval.low, "high": interval.high}


def _calibration(one: Calibration) -> dict[str, Any]:
    return {
        "temperature": one.temperature,
        "log_loss": one.log_loss,
        "brier_score": one.brier_score,
        "expected_calibration_error": one.expected_calibration_error,
        "bins": [
            {
                "lower": each.lower,
                "upper": each.upper,
                "images": each.count,
                "confidence": each.confidence,
                "accuracy": each.accuracy,
            }
            for each in one.bins
            if each.count
        ],
    }


def _class(row: ClassRow) -> dict[str, Any]:
    return {
        "name": row.name,
        "images": row.images,
        "precision": row.precision,
        "recall": _interval(row.recall),
        "f1": row.f1,
        "auroc": row.auroc,
        "average_precision": row.average_precision,
    }
