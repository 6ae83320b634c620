"""Metrics of nothing are NaN, not an exception."""

import math

import numpy as np

from imgclf import metrics


def test_an_empty_split_gives_nan() -> None:
    """No images: every average is NaN and nothing divides by zero."""
    probabilities, labels = np.empty((0, 3)), np.empty(0, np.int64)
    matrix = metrics.confusion_matrix(labels, labels, 3)
    values = [
        metrics.accuracy(matrix),
        metrics.balanced_accuracy(matrix),
        metrics.cohen_kappa(matrix),
        metrics.top_k_accuracy(probabilities, labels, 1),
        metrics.log_loss(probabilities, labels),
        metrics.brier_score(probabilities, labels),
        metrics.mean_defined(metrics.per_class(probabilities, labels)[0]),
        metrics.expected_calibration_error(metrics.calibration_bins(np.empty(0), np.empty(0, bool))),
        metrics.coverage_risk(np.empty(0), np.empty(0, bool)).area(),
        metrics.operating_point(np.empty(0), np.empty(0, bool), 0.5).coverage,
        *metrics.class_scores(matrix).macro(),
    ]
    assert all(math.isnan(value) for value in values)
    assert metrics.bootstrap_accuracy_and_f1(matrix).shape == (0, 2)
    assert metrics.fit_temperature(probabilities, labels) is None


def test_a_split_of_one_class_that_is_always_right() -> None:
    """Chance alone explains full agreement, so kappa is undefined."""
    matrix = metrics.confusion_matrix(np.zeros(5, int), np.zeros(5, int), 2)
    assert math.isnan(metrics.cohen_kappa(matrix))
    assert metrics.accuracy(matrix) == 1.0
