"""Paired tests of two models."""

import numpy as np
import pytest
from scipy.stats import binomtest

from imgclf import metrics


@pytest.mark.parametrize(("first", "second"), [(0, 0), (1, 0), (7, 2), (40, 60), (500, 450)])
def test_mcnemar_is_the_exact_binomial_test(first: int, second: int) -> None:
    """The p-value is SciPy's for the images on which the models differ."""
    both = np.zeros(first + second + 5, bool)
    ours, theirs = both.copy(), both.copy()
    ours[:first], theirs[first : first + second] = True, True
    result = metrics.mcnemar(ours, theirs)
    assert (result.only_first, result.only_second, result.exact) == (first, second, True)
    expected = binomtest(first, first + second).pvalue if first + second else 1.0
    assert result.p_value == pytest.approx(expected)


def test_mcnemar_of_many_differences_is_close_to_exact() -> None:
    """Beyond a thousand differing images the chi-squared approximation takes over without a jump."""
    ours = np.arange(2000) < 1060
    result = metrics.mcnemar(ours, ~ours)
    assert not result.exact
    assert result.p_value == pytest.approx(binomtest(1060, 2000).pvalue, rel=0.05)


def test_the_difference_of_a_model_with_itself_is_zero() -> None:
    """No image differs, so the interval has no width."""
    labels = np.arange(100) % 4
    for interval in metrics.paired_differences(labels, (labels + 1) % 4, (labels + 1) % 4):
        assert (interval.low, interval.value, interval.high) == (0, 0, 0)


def test_a_better_model_has_an_interval_above_zero() -> None:
    """Twenty points on four hundred images are more than noise; pairing makes the interval narrow."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 400)
    worse = np.where(generator.random(400) < 0.7, labels, (labels + 1) % 4)
    better = np.where(generator.random(400) < 0.9, labels, (labels + 1) % 4)
    accuracy, macro_f1 = metrics.paired_differences(labels, worse, better)
    assert accuracy.value == pytest.approx((better == labels).mean() - (worse == labels).mean())
    assert 0 < accuracy.low < accuracy.value < accuracy.high < 0.35
    assert 0 < macro_f1.low < macro_f1.value < macro_f1.high


def test_most_confused_pairs_come_in_order() -> None:
    """The largest cell off the diagonal is first, and empty cells are left out."""
    matrix = np.array([[5, 0, 2], [3, 9, 0], [0, 0, 4]])
    assert metrics.most_confused(matrix, 5) == [(1, 0, 3), (0, 2, 2)]
