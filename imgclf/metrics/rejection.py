"""Answering only when sure: how the error rate falls as more images are declined."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class CoverageRisk:
    """The curve, one point per distinct confidence, from the surest images to all of them.

    Attributes:
        threshold: (P,), falling; images with at least this confidence are answered.
        coverage: (P,), the share of images answered, in (0, 1].
        risk: (P,), the share of wrong answers among them.
    """

    threshold: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray

    def area(self) -> float:
        """Return the mean risk over the coverages (AURC), lower is better; NaN without images."""
        if not len(self.risk):
            return float("nan")
        return float(np.sum(np.diff(self.coverage, prepend=0.0) * self.risk))


@dataclass(frozen=True)
class OperatingPoint:
    """What a threshold does on some images: the share answered, and the share of wrong answers among those."""

    threshold: float
    coverage: float
    risk: float
    answered: int
    wrong: int


def coverage_risk(confidence: np.ndarray, correct: np.ndarray) -> CoverageRisk:
    """Return the coverage-risk curve. Geifman and El-Yaniv, "Selective Classification for Deep Networks" (2017).

    Args:
        confidence: (N,).
        correct: bool (N,).
    """
    order = np.argsort(-confidence, kind="stable")
    ordered = confidence[order]
    wrong = np.cumsum(~correct[order].astype(bool))
    last = (
        np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
        if len(ordered)
        else np.empty(0, np.int64)
    )
    return CoverageRisk(ordered[last], (last + 1) / max(len(ordered), 1), wrong[last] / (last + 1))


def threshold_for_risk(curve: CoverageRisk, target: float) -> float | None:
    """Return the threshold with the most answers whose error rate is at most ``target``; None where none has.

    The threshold lies halfway to the next lower confidence, so that rounding cannot turn a counted image away; it is
    0 where no image needs to be declined.
    """
    fits = np.flatnonzero(curve.risk <= target)
    if not len(fits):
        return None
    best = int(fits[-1])
    if best + 1 == len(curve.threshold):
        return 0.0
    return float((curve.threshold[best] + curve.threshold[best + 1]) / 2)


def operating_point(confidence: np.ndarray, correct: np.ndarray, threshold: float) -> OperatingPoint:
    """Measure a threshold on some images; the risk is NaN where none is answered."""
    kept = confidence >= threshold
    answered, wrong = int(kept.sum()), int((kept & ~correct.astype(bool)).sum())
    coverage = answered / len(confidence) if len(confidence) else float("nan")
    return OperatingPoint(
        threshold, coverage, wrong / answered if answered else float("nan"), answered, wrong
    )
