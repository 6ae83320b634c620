"""The pictures of an evaluation, from its scores and saved answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgclf import metrics
from imgclf.evaluation.scores import Scores
from imgclf.evaluation.worst import WorstError
from imgclf.figures import (
    ClassBar,
    GalleryTile,
    RankingCurve,
    class_bars,
    confusion_figure,
    coverage_risk_figure,
    image_gallery,
    names_in_figures,
    ranking_curves,
    reliability_diagram,
)
from imgclf.metrics import CoverageRisk, OperatingPoint
from imgclf.runs import Answers


@dataclass(frozen=True, eq=False)
class Rejection:
    """The reject option on the evaluated images.

    Attributes:
        curve: coverage and risk at every confidence.
        point: what the model file's threshold does; None where it has none.
        target: the wanted error rate; None where none was given.
    """

    curve: CoverageRisk
    point: OperatingPoint | None
    target: float | None


def draw(
    folder: Path, answers: Answers, scores: Scores, rejection: Rejection, errors: Sequence[WorstError]
) -> dict[str, Path]:
    """Draw every picture that the answers allow.

    Args:
        folder: where to.
        answers: those that the scores are of.
        scores: what was measured.
        rejection: the reject option.
        errors: the worst errors, for the gallery.

    Returns:
        Name -> PNG: ``confusion``, ``confusion_normalized``, ``classes``, ``roc_pr``, ``reliability``,
        ``coverage_risk``, ``errors``; what is not defined (a ROC curve of one class) is left out.
    """
    good = answers.select(answers.answered)
    if not len(good):
        return {}
    names = names_in_figures(good.class_names)
    called = dict(zip(good.class_names, names, strict=True))
    drawn = {
        "confusion_normalized": confusion_figure(
            scores.matrix, names, folder / "confusion_normalized.png", normalized=True
        ),
        "confusion": confusion_figure(scores.matrix, names, folder / "confusion.png"),
        "classes": class_bars(_bars(scores, called), folder / "classes.png"),
        "reliability": reliability_diagram(_reliability_panels(scores), folder / "reliability.png"),
        "coverage_risk": coverage_risk_figure(
            rejection.curve.coverage,
            rejection.curve.risk,
            folder / "coverage_risk.png",
            chosen=_chosen(rejection.point),
            target=rejection.target,
        ),
    }
    if curves := _ranking(good, scores, called):
        drawn["roc_pr"] = ranking_curves(curves, folder / "roc_pr.png")
    if errors:
        title = "The surest wrong answers"
        drawn["errors"] = image_gallery(
            [_tile(error, called) for error in errors], folder / "errors.png", title=title
        )
    return drawn


def _bars(scores: Scores, called: Mapping[str, str]) -> list[ClassBar]:
    return [
        ClassBar(
            called[row.name], row.recall.value, row.recall.low, row.recall.high, row.precision, row.images
        )
        for row in scores.classes
        if row.images
    ]


def _reliability_panels(scores: Scores) -> dict[str, Sequence[metrics.CalibrationBin]]:
    if scores.uncalibrated is None or scores.calibrated.temperature == 1.0:
        return {"Reliability": scores.calibrated.bins}
    return {
        "Before calibration": scores.uncalibrated.bins,
        f"After (temperature {scores.calibrated.temperature:.2f})": scores.calibrated.bins,
    }


def _ranking(good: Answers, scores: Scores, called: Mapping[str, str]) -> list[RankingCurve]:
    curves = []
    for index, row in enumerate(scores.classes):
        if np.isnan(row.auroc):
            continue
        own, positive = good.probabilities[:, index], good.labels == index
        false_rate, true_rate = metrics.roc_curve(own, positive)
        precision, recall = metrics.precision_recall_curve(own, positive)
        curves.append(
            RankingCurve(
                called[row.name], false_rate, true_rate, recall, precision, row.auroc, row.average_precision
            )
        )
    return curves


def _chosen(point: OperatingPoint | None) -> tuple[float, float, float] | None:
    if point is None or not point.answered:
        return None
    return point.threshold, point.coverage, point.risk


def _tile(error: WorstError, called: Mapping[str, str]) -> GalleryTile:
    shown = error.pixels
    if error.overlay is not None and error.overlay.shape == shown.shape:
        shown = np.hstack([shown, error.overlay])
    return GalleryTile(
        shown, (f"{called[error.label]} {error.confidence:.2f}", f"is {called[error.true_label]}")
    )
