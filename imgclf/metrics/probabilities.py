"""Logits to probabilities, and sharper or softer probabilities."""

import numpy as np


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return probabilities, float64 (N, K), rows summing to 1.

    Args:
        logits: any float type, (N, K). Logarithms of probabilities do as well.
        temperature: divides the logits; above 1 makes the model less sure.
    """
    scaled = np.asarray(logits, dtype=np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    total: np.ndarray = powers / powers.sum(axis=1, keepdims=True)
    return total


def log_probabilities(probabilities: np.ndarray) -> np.ndarray:
    """Return logits that give these probabilities, float64 (N, K); a zero counts as the smallest float."""
    logarithm: np.ndarray = np.log(np.maximum(probabilities, np.finfo(np.float64).tiny))
    return logarithm


def rescale(probabilities: np.ndarray, old: float, new: float) -> np.ndarray:
    """Return what the probabilities at temperature ``old`` would have been at ``new``, (N, K).

    >>> import numpy as np
    >>> rescale(np.array([[0.5, 0.5]]), old=1.0, new=3.0)
    array([[0.5, 0.5]])
    """
    if old == new:
        return probabilities
    return softmax(log_probabilities(probabilities), new / old)
