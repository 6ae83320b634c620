"""How many images are right: top-1, top-k, balanced over the classes."""

import numpy as np


def confusion_matrix(labels: np.ndarray, predictions: np.ndarray, num_classes: int) -> np.ndarray:
    """Count images by true class (rows) and predicted class (columns), int64 (K, K).

    Args:
        labels: int (N,), in [0, K).
        predictions: int (N,), in [0, K).
        num_classes: K; classes that appear nowhere keep an empty row and column.

    >>> confusion_matrix(np.array([0, 0, 1]), np.array([0, 1, 1]), 2)
    array([[1, 1],
           [0, 1]])
    """
    flat = np.asarray(labels, np.int64) * num_classes + np.asarray(predictions, np.int64)
    return np.bincount(flat, minlength=num_classes**2).reshape(num_classes, num_classes)


def accuracy(matrix: np.ndarray) -> float:
    """Return the share of images on the diagonal of a confusion matrix; NaN without images."""
    total = matrix.sum()
    return float(np.trace(matrix) / total) if total else float("nan")


def balanced_accuracy(matrix: np.ndarray) -> float:
    """Return the mean recall of the classes that the split has; NaN without images."""
    support = matrix.sum(axis=1)
    present = support > 0
    return float((np.diag(matrix)[present] / support[present]).mean()) if present.any() else float("nan")


def top_k_accuracy(probabilities: np.ndarray, labels: np.ndarray, k: int) -> float:
    """Return the share of images whose true class is among the k most probable.

    Args:
        probabilities: (N, K); logits do as well.
        labels: int (N,).
        k: clamped to the number of classes. Of equally probable classes the later one comes first, as in
            scikit-learn.
    """
    if not len(labels):
        return float("nan")
    own = probabilities[np.arange(len(labels)), labels][:, None]
    later = np.arange(probabilities.shape[1]) > np.asarray(labels)[:, None]
    ahead = (probabilities > own) | ((probabilities == own) & later)
    return float((ahead.sum(axis=1) < k).mean())


def cohen_kappa(matrix: np.ndarray) -> float:
    """Return Cohen's kappa: agreement beyond chance, 1 at best; NaN where chance alone explains all.

    Cohen, "A Coefficient of Agreement for Nominal Scales" (1960).
    """
    total = matrix.sum()
    if not total:
        return float("nan")
    by_chance = float(matrix.sum(axis=0) @ matrix.sum(axis=1)) / float(total) ** 2
    if by_chance == 1.0:
        return float("nan")
    return (accuracy(matrix) - by_chance) / (1.0 - by_chance)
