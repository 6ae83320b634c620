"""Temperature scaling."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar

from imgclf import metrics
from imgclf.task import rescale, softmax


def _overconfident(images: int = 4000, factor: float = 3.0) -> tuple[np.ndarray, np.ndarray]:
    """Labels drawn from a model's probabilities, and the logits multiplied by ``factor``."""
    generator = np.random.default_rng(0)
    logits = generator.normal(size=(images, 5)) * 1.5
    labels = (softmax(logits).cumsum(axis=1) > generator.random((images, 1))).argmax(axis=1)
    return softmax(logits * factor), labels


def _ece(probabilities: np.ndarray, labels: np.ndarray) -> float:
    correct = probabilities.argmax(axis=1) == labels
    return metrics.expected_calibration_error(metrics.calibration_bins(probabilities.max(axis=1), correct))


def test_the_temperature_of_an_overconfident_model_is_found() -> None:
    """Logits three times too large need a temperature of about three, and the calibration error falls."""
    probabilities, labels = _overconfident()
    temperature = metrics.fit_temperature(probabilities, labels)
    assert temperature == pytest.approx(3.0, rel=0.1)
    calm = rescale(probabilities, 1.0, temperature)
    assert _ece(calm, labels) < 0.03 < 0.15 < _ece(probabilities, labels)
    assert np.array_equal(calm.argmax(axis=1), probabilities.argmax(axis=1))


def test_the_temperature_is_the_minimum_of_the_log_loss() -> None:
    """SciPy's search over the log loss ends at the same temperature."""
    probabilities, labels = _overconfident(500)

    def loss(logarithm: float) -> float:
        return metrics.log_loss(rescale(probabilities, 1.0, float(np.exp(logarithm))), labels)

    expected = np.exp(minimize_scalar(loss, bounds=(-2, 3), method="bounded").x)
    assert metrics.fit_temperature(probabilities, labels) == pytest.approx(expected, rel=1e-3)


def test_a_model_without_errors_tells_no_temperature() -> None:
    """Where nothing is wrong, more certainty always looks better: there is no temperature to fit."""
    probabilities = np.array([[0.9, 0.1], [0.2, 0.8]])
    assert metrics.fit_temperature(probabilities, np.array([0, 1])) is None


def test_a_hopeless_model_stays_within_bounds() -> None:
    """A model that is always sure and always wrong gets the highest temperature, not infinity."""
    probabilities = np.tile([1.0, 0.0], (10, 1))
    assert metrics.fit_temperature(probabilities, np.ones(10, int)) == pytest.approx(20.0, rel=1e-3)


def test_rescaling_there_and_back_changes_nothing() -> None:
    """Probabilities at one temperature give those at another and back, to rounding."""
    probabilities, _ = _overconfident(50)
    there = rescale(probabilities, 1.0, 2.5)
    assert np.allclose(rescale(there, 2.5, 1.0), probabilities)
    assert rescale(probabilities, 1.0, 1.0) is probabilities
