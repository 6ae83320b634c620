"""How well a class's probability ranks images: ROC and precision-recall, one class against the rest."""

import numpy as np


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return false positive rate and true positive rate at every distinct score, from (0, 0) to (1, 1).

    Args:
        scores: (N,), higher means more likely.
        positive: bool (N,), with at least one of each.
    """
    hits, alarms = _counts_above(scores, positive)
    return np.append(0.0, alarms / alarms[-1]), np.append(0.0, hits / hits[-1])


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the area under the ROC curve; NaN where there are no positive or no negative images."""
    if positive.all() or not positive.any():
        return float("nan")
    false_rate, true_rate = roc_curve(scores, positive)
    return float(np.trapezoid(true_rate, false_rate))


def precision_recall_curve(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return precision and recall at every distinct score, highest score first.

    Args:
        scores: (N,), higher means more likely.
        positive: bool (N,), with at least one True.
    """
    hits, alarms = _counts_above(scores, positive)
    return hits / (hits + alarms), hits / hits[-1]


def average_precision(scores: np.ndarray, positive: np.ndarray) -> float:
    """Return the precision averaged over the steps of recall (no interpolation); NaN without positives."""
    if not positive.any():
        return float("nan")
    precision, recall = precision_recall_curve(scores, positive)
    return float(np.sum(np.diff(recall, prepend=0.0) * precision))


def per_class(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return AUROC and average precision of each class against the rest, each float64 (K,), NaN where undefined.

    Args:
        probabilities: (N, K).
        labels: int (N,).
    """
    classes = range(probabilities.shape[1])
    areas = [auroc(probabilities[:, index], labels == index) for index in classes]
    precisions = [average_precision(probabilities[:, index], labels == index) for index in classes]
    return np.array(areas), np.array(precisions)


def mean_defined(values: np.ndarray) -> float:
    """Return the mean of the values that are not NaN; NaN where none is."""
    defined = values[~np.isnan(values)]
    return float(defined.mean()) if len(defined) else float("nan")


def _counts_above(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Count positives and negatives with at least each distinct score, highest score first."""
    order = np.argsort(-scores, kind="stable")
    ordered, hits = scores[order], np.cumsum(positive[order])
    last = np.append(np.flatnonzero(np.diff(ordered)), len(ordered) - 1)
    return hits[last].astype(np.float64), (last + 1 - hits[last]).astype(np.float64)
