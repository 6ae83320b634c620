"""Confidence intervals."""

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import f1_score

from imgclf import metrics


@pytest.mark.parametrize(("hits", "total"), [(0, 1), (3, 3), (5, 9), (987, 1000)])
def test_wilson_agrees_with_scipy(hits: int, total: int) -> None:
    """The interval is SciPy's."""
    ours = metrics.wilson_interval(hits, total)
    theirs = binomtest(hits, total).proportion_ci(method="wilson")
    assert (ours.low, ours.high) == pytest.approx((theirs.low, theirs.high))


def test_wilson_of_nothing_is_everything() -> None:
    """Without images any share is possible."""
    interval = metrics.wilson_interval(0, 0)
    assert np.isnan(interval.value)
    assert (interval.low, interval.high) == (0.0, 1.0)


def test_bootstrap_agrees_with_drawing_the_images() -> None:
    """Counts drawn from the multinomial spread like images drawn one by one."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 300)
    predictions = np.where(generator.random(300) < 0.8, labels, generator.integers(0, 4, 300))
    fast = metrics.bootstrap_accuracy_and_f1(metrics.confusion_matrix(labels, predictions, 4), 2000)
    slow = []
    for _ in range(400):
        chosen = generator.integers(0, 300, 300)
        right = (labels[chosen] == predictions[chosen]).mean()
        slow.append((right, f1_score(labels[chosen], predictions[chosen], average="macro")))
    assert np.allclose(fast.mean(axis=0), np.mean(slow, axis=0), atol=0.005)
    assert np.allclose(fast.std(axis=0), np.std(slow, axis=0), atol=0.004)


def test_bootstrap_is_seeded() -> None:
    """The same images give the same interval."""
    matrix = np.array([[9, 1], [2, 8]])
    first, second = (metrics.bootstrap_accuracy_and_f1(matrix) for _ in range(2))
    assert np.array_equal(first, second)
    interval = metrics.percentile_interval(0.85, first[:, 0])
    assert interval.low < interval.value < interval.high


def test_a_resample_that_loses_a_class_has_its_f1_over_the_others() -> None:
    """A class of one image is missing from a third of the resamples; those are no failure of the model."""
    matrix = np.diag([50, 1])
    assert metrics.bootstrap_accuracy_and_f1(matrix).min() == 1.0
