"""How good the probabilities are, not only the answers: log loss and Brier score."""

import numpy as np


def log_loss(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean of -log p(true class) in nats; NaN without images.

    Args:
        probabilities: (N, K). A probability below float64's epsilon counts as epsilon, as in scikit-learn.
        labels: int (N,).
    """
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    return float(-np.log(np.clip(own, np.finfo(np.float64).eps, 1.0)).mean())


def brier_score(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Return the mean squared distance to the one-hot label, summed over classes: 0 at best, 2 at worst.

    Brier, "Verification of Forecasts Expressed in Terms of Probability" (1950); scikit-learn's multiclass
    ``brier_score_loss``.
    """
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels].astype(np.float64)
    squares = np.square(probabilities.astype(np.float64)).sum(axis=1)
    return float((squares - 2 * own + 1).mean())
