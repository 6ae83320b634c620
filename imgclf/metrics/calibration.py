"""Whether a confidence of 0.9 is right nine times in ten, and the temperature that makes it so."""

from dataclasses import dataclass

import numpy as np

from imgclf.task import SINGLE_LABEL, log_probabilities

BINS = 15
_LOWEST, _HIGHEST = 0.05, 20.0


@dataclass(frozen=True)
class CalibrationBin:
    """The images whose confidence is in (lower, upper]; confidence and accuracy are means, NaN without images."""

    lower: float
    upper: float
    count: int
    confidence: float
    accuracy: float


def calibration_bins(confidence: np.ndarray, correct: np.ndarray, bins: int = BINS) -> list[CalibrationBin]:
    """Sort images into equally wide bins by confidence.

    Args:
        confidence: (N,), in [0, 1].
        correct: bool (N,).
        bins: how many.
    """
    edges = np.linspace(0.0, 1.0, bins + 1)
    index = np.clip(np.searchsorted(edges, confidence, side="left") - 1, 0, bins - 1)
    counts = np.bincount(index, minlength=bins)
    with np.errstate(invalid="ignore"):
        sure = np.bincount(index, weights=confidence, minlength=bins) / counts
        right = np.bincount(index, weights=correct, minlength=bins) / counts
    return [
        CalibrationBin(float(edges[i]), float(edges[i + 1]), int(counts[i]), float(sure[i]), float(right[i]))
        for i in range(bins)
    ]


def expected_calibration_error(bins: list[CalibrationBin]) -> float:
    """Return the mean gap between confidence and accuracy over the images, in [0, 1]; NaN without images.

    Naeini et al., "Obtaining Well Calibrated Probabilities Using Bayesian Binning" (2015), for the predicted class.
    """
    total = sum(one.count for one in bins)
    if not total:
        return float("nan")
    return sum(one.count * abs(one.confidence - one.accuracy) for one in bins if one.count) / total


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float | None:
    """Return the temperature that minimises the log loss, in [0.05, 20].

    Guo et al., "On Calibration of Modern Neural Networks" (2017). The log loss is convex in 1 / temperature, so its
    slope is bisected; that finds the minimum whatever the start.

    Args:
        probabilities: (N, K) at temperature 1, from images that the model was not trained on.
        labels: int (N,).

    Returns:
        The temperature, or None where the images cannot tell it: there are none, or no prediction is wrong (any
        more certainty would then look better still).
    """
    if not len(labels) or SINGLE_LABEL.correct(probabilities, labels).all():
        return None
    logits = log_probabilities(probabilities)
    own = logits[np.arange(len(labels)), labels].mean()
    low, high = np.log(1 / _HIGHEST), np.log(1 / _LOWEST)
    while high - low > 1e-7:
        middle = (low + high) / 2
        if _mean_expected(logits, float(np.exp(middle))) > own:
            high = middle
        else:
            low = middle
    return float(np.exp(-(low + high) / 2))


def _mean_expected(logits: np.ndarray, inverse: float) -> float:
    """The mean over images of the expected logit under softmax(logits * inverse)."""
    scaled = logits * inverse
    weights = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    return float(((weights * logits).sum(axis=1) / weights.sum(axis=1)).mean())
