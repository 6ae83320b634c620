"""From logits to probabilities to a Prediction."""

from collections.abc import Sequence

import numpy as np

from imgclf.errors import UsageError
from imgclf.records import Prediction

UNKNOWN = "unknown"
"""The label of an image whose confidence is below the threshold."""


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return probabilities, float32 (N, K): the softmax of logits divided by the temperature (Guo et al. 2017).

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]
    """
    scaled = logits.astype(np.float64) / temperature
    powers = np.exp(scaled - scaled.max(axis=1, keepdims=True))
    probabilities: np.ndarray = (powers / powers.sum(axis=1, keepdims=True)).astype(np.float32)
    return probabilities


def to_prediction(
    file: str,
    probabilities: np.ndarray,
    class_names: Sequence[str],
    top_k: int = 5,
    threshold: float | None = None,
) -> Prediction:
    """Make the record of one image.

    Args:
        file: the image's name.
        probabilities: (K,), in [0, 1].
        class_names: K names.
        top_k: how many of the best classes to list; more than K lists all K.
        threshold: below this confidence the label is ``unknown``; confidence and top_k stay. None never rejects.

    Returns:
        The prediction, or an error where the model's answer is not a number (weights that diverged, an
        overflow in half precision).
    """
    if not np.isfinite(probabilities).all():
        return Prediction(file=file, error="the model's answer is not a number (NaN)")
    values = probabilities.tolist()
    # A stable sort: equal probabilities come in class order, on every machine.
    best = np.argsort(-probabilities, kind="stable")[:top_k].tolist()
    confidence = values[best[0]]
    rejected = threshold is not None and confidence < threshold
    return Prediction(
        file=file,
        label=UNKNOWN if rejected else class_names[best[0]],
        confidence=confidence,
        probabilities=dict(zip(class_names, values, strict=True)),
        top_k=tuple((class_names[index], values[index]) for index in best),
    )


def check_answer_options(top_k: int, threshold: float | None) -> None:
    """Check what a person asked for.

    Raises:
        UsageError: top_k is below 1, or the threshold is no probability.
    """
    if top_k < 1:
        raise UsageError(f"top_k is {top_k}, but it must be 1 or more.")
    if threshold is not None and not 0 <= threshold <= 1:
        raise UsageError(f"The threshold is {threshold}, but a confidence is between 0 and 1.")
