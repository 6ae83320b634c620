"""How far a measured share may be from the truth: Wilson's interval and the bootstrap."""

import math
from dataclasses import dataclass

import numpy as np

RESAMPLES = 1000
_Z95 = 1.959963984540054


@dataclass(frozen=True)
class Interval:
    """A measured value with the ends of its 95 % confidence interval."""

    value: float
    low: float
    high: float


def wilson_interval(hits: int, total: int) -> Interval:
    """Return a share with Wilson's 95 % interval, which holds for small counts and shares near 0 and 1.

    Wilson, "Probable Inference, the Law of Succession, and Statistical Inference" (1927).

    >>> interval = wilson_interval(9, 10)
    >>> round(interval.low, 3), round(interval.high, 3)
    (0.596, 0.982)
    """
    if not total:
        return Interval(float("nan"), 0.0, 1.0)
    share, z2 = hits / total, _Z95**2
    centre = (share + z2 / (2 * total)) / (1 + z2 / total)
    half = _Z95 * math.sqrt(share * (1 - share) / total + z2 / (4 * total**2)) / (1 + z2 / total)
    return Interval(share, max(0.0, centre - half), min(1.0, centre + half))


def percentile_interval(value: float, resampled: np.ndarray) -> Interval:
    """Return a value with the 2.5th and 97.5th percentile of its bootstrap resamples (R,)."""
    low, high = np.nanpercentile(resampled, [2.5, 97.5]) if len(resampled) else (float("nan"),) * 2
    return Interval(float(value), float(low), float(high))


def resample_counts(counts: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Bootstrap N images that fall into C kinds, as counts by kind, int64 (R, C).

    Drawing N images with replacement and counting them by kind is one draw of the multinomial distribution; that
    takes milliseconds where drawing the images takes seconds. Efron, "Bootstrap Methods" (1979).

    Args:
        counts: int (C,), the images of each kind, all above zero.
        resamples: R.
        seed: same seed, same resamples.
    """
    total = int(counts.sum())
    generator = np.random.default_rng(seed)
    return generator.multinomial(total, counts / total, size=resamples).astype(np.int64)


def bootstrap_accuracy_and_f1(matrix: np.ndarray, resamples: int = RESAMPLES, seed: int = 0) -> np.ndarray:
    """Return accuracy and macro F1 of bootstrap resamples of the images in a confusion matrix, float64 (R, 2)."""
    true, given = np.nonzero(matrix)
    if not len(true):
        return np.full((0, 2), np.nan)
    drawn = resample_counts(matrix[true, given], resamples, seed)
    return np.stack([resampled_accuracy(drawn, true, given), resampled_macro_f1(drawn, true, given)], axis=1)


def resampled_accuracy(drawn: np.ndarray, true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the accuracy of each resample (R,), from counts (R, C) of images of true and predicted class (C,)."""
    share: np.ndarray = drawn[:, true == given].sum(axis=1) / drawn.sum(axis=1)
    return share


def resampled_macro_f1(drawn: np.ndarray, true: np.ndarray, given: np.ndarray) -> np.ndarray:
    """Return the macro F1 of each resample (R,); a class that a resample has lost does not count in it."""
    hits = _sum_by_class(drawn * (true == given), true, max(true.max(), given.max()) + 1)
    size = hits.shape[1]
    both = _sum_by_class(drawn, true, size) + _sum_by_class(drawn, given, size)
    scores = np.divide(2.0 * hits, both, out=np.zeros(both.shape), where=both > 0)
    averages: np.ndarray = scores.sum(axis=1) / (both > 0).sum(axis=1)
    return averages


def _sum_by_class(drawn: np.ndarray, classes: np.ndarray, num_classes: int) -> np.ndarray:
    """Add up the columns (R, C) of each class to (R, K)."""
    order = np.argsort(classes, kind="stable")
    present, starts = np.unique(classes[order], return_index=True)
    sums = np.zeros((len(drawn), num_classes), dtype=np.int64)
    sums[:, present] = np.add.reduceat(drawn[:, order], starts, axis=1)
    return sums
