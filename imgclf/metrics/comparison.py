"""Whether two models differ by more than noise on the same images: McNemar's test and the paired bootstrap."""

import math
from dataclasses import dataclass

import numpy as np

from imgclf.metrics.intervals import (
    RESAMPLES,
    Interval,
    percentile_interval,
    resample_counts,
    resampled_accuracy,
    resampled_macro_f1,
)

# Up to here the exact binomial sum takes well under a millisecond; beyond it the approximation is as good.
_EXACT_UP_TO = 1000


@dataclass(frozen=True)
class McNemar:
    """McNemar's test of two models on the same images.

    Attributes:
        only_first: images that only the first model gets right.
        only_second: images that only the second model gets right.
        p_value: how often chance alone would part them at least this much if both were equally good.
        exact: whether the binomial distribution was used rather than its chi-squared approximation.
    """

    only_first: int
    only_second: int
    p_value: float
    exact: bool


def mcnemar(first_correct: np.ndarray, second_correct: np.ndarray) -> McNemar:
    """Test whether two models are equally often right. McNemar (1947); exact for up to 1,000 differing images.

    Args:
        first_correct: bool (N,).
        second_correct: bool (N,), of the same images in the same order.
    """
    only_first = int((first_correct & ~second_correct).sum())
    only_second = int((second_correct & ~first_correct).sum())
    differing = only_first + only_second
    if differing <= _EXACT_UP_TO:
        return McNemar(
            only_first, only_second, _two_sided_binomial(min(only_first, only_second), differing), True
        )
    statistic = (abs(only_first - only_second) - 1) ** 2 / differing
    return McNemar(only_first, only_second, math.erfc(math.sqrt(statistic / 2)), False)


def paired_differences(
    labels: np.ndarray, first: np.ndarray, second: np.ndarray, resamples: int = RESAMPLES, seed: int = 0
) -> tuple[Interval, Interval]:
    """Return second minus first in accuracy and in macro F1, each with its paired bootstrap interval.

    Args:
        labels: int (N,), the true classes; N at least 1.
        first: int (N,), what the first model predicts.
        second: int (N,), what the second model predicts for the same images.
        resamples: R.
        seed: same seed, same intervals.
    """
    kinds, counts = np.unique(np.stack([labels, first, second]), axis=1, return_counts=True)
    true, given_first, given_second = kinds
    drawn = resample_counts(counts, resamples, seed)
    results = []
    for score in (resampled_accuracy, resampled_macro_f1):
        resampled = score(drawn, true, given_second) - score(drawn, true, given_first)
        measured = score(counts[None], true, given_second) - score(counts[None], true, given_first)
        results.append(percentile_interval(float(measured[0]), resampled))
    return results[0], results[1]


def _two_sided_binomial(fewer: int, total: int) -> float:
    """Twice the chance of at most ``fewer`` heads in ``total`` fair throws, at most 1."""
    ways, tail = 1, 0
    for heads in range(fewer + 1):
        tail += ways
        ways = ways * (total - heads) // (heads + 1)
    return min(1.0, 2 * tail / 2**total) if total else 1.0
