"""The reject option."""

import numpy as np
import pytest

from imgclf import metrics

CONFIDENCE = np.array([0.9, 0.8, 0.8, 0.6, 0.5])
CORRECT = np.array([True, True, False, True, False])


def test_the_curve_counts_images_of_equal_confidence_together() -> None:
    """Two images at 0.8 are answered together or not at all."""
    curve = metrics.coverage_risk(CONFIDENCE, CORRECT)
    assert list(curve.threshold) == [0.9, 0.8, 0.6, 0.5]
    assert list(curve.coverage) == pytest.approx([0.2, 0.6, 0.8, 1.0])
    assert list(curve.risk) == pytest.approx([0, 1 / 3, 1 / 4, 2 / 5])
    assert curve.area() == pytest.approx(0.2 * 0 + 0.4 / 3 + 0.2 / 4 + 0.2 * 2 / 5)


@pytest.mark.parametrize(("target", "expected"), [(0.0, 0.85), (0.25, 0.55), (0.3, 0.55), (0.5, 0.0)])
def test_the_threshold_answers_as_many_as_the_target_allows(target: float, expected: float) -> None:
    """The most answers within the wanted error rate, even where a stricter threshold is worse."""
    curve = metrics.coverage_risk(CONFIDENCE, CORRECT)
    assert metrics.threshold_for_risk(curve, target) == pytest.approx(expected)
    point = metrics.operating_point(CONFIDENCE, CORRECT, expected)
    assert point.risk <= target


def test_no_threshold_reaches_an_impossible_target() -> None:
    """A model whose surest answer is wrong has no threshold for a risk of zero."""
    curve = metrics.coverage_risk(np.array([0.9, 0.1]), np.array([False, True]))
    assert metrics.threshold_for_risk(curve, 0.0) is None


def test_a_threshold_that_declines_all_has_no_risk() -> None:
    """With nothing answered the risk is undefined and the coverage zero."""
    point = metrics.operating_point(CONFIDENCE, CORRECT, 0.95)
    assert (point.coverage, point.answered) == (0.0, 0)
    assert np.isnan(point.risk)
