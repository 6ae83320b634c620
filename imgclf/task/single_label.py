"""One class an image: the probabilities sum to 1, and the largest is the prediction."""

from collections.abc import Sequence
from typing import final

import numpy as np

from imgclf.records import Prediction
from imgclf.task.kind import NOT_A_NUMBER, Decision

UNKNOWN = "unknown"
"""The label of an image whose confidence is below the threshold."""


@final
class SingleLabel:
    """The kind of task in which every image has exactly one class; see :class:`imgclf.task.Task`."""

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Return probabilities, float64 (N, K), rows summing to 1."""
        return softmax(logits, temperature)

    def at_temperature(self, probabilities: np.ndarray, old: float, new: float) -> np.ndarray:
        """Return what probabilities (N, K) at temperature ``old`` would have been at ``new``."""
        return rescale(probabilities, old, new)

    def predicted(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the most probable class, int64 (N,); the first of equal ones."""
        largest: np.ndarray = probabilities.argmax(axis=1)
        return largest

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the largest probability, (N,)."""
        largest: np.ndarray = probabilities.max(axis=1, initial=0.0)
        return largest

    def correct(self, probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return whether the most probable class is the label, bool (N,)."""
        right: np.ndarray = self.predicted(probabilities) == labels
        return right

    def prediction(
        self, file: str, probabilities: np.ndarray, class_names: Sequence[str], decision: Decision
    ) -> Prediction:
        """Return the record of one image.

        Args:
            file: the image's name.
            probabilities: (K,), in [0, 1].
            class_names: K names.
            decision: below its threshold the label is ``unknown``; confidence and top_k stay.

        Returns:
            The prediction, or an error where the probabilities are not numbers (weights that diverged, an overflow
            in half precision).
        """
        if not np.isfinite(probabilities).all():
            return Prediction(file=file, error=NOT_A_NUMBER)
        values = probabilities.tolist()
        # A stable sort: equal probabilities come in class order, on every machine.
        best = np.argsort(-probabilities, kind="stable")[: decision.top_k].tolist()
        confidence = values[best[0]]
        rejected = decision.threshold is not None and confidence < decision.threshold
        return Prediction(
            file=file,
            label=UNKNOWN if rejected else class_names[best[0]],
            confidence=confidence,
            probabilities=dict(zip(class_names, values, strict=True)),
            top_k=tuple((class_names[index], values[index]) for index in best),
        )


def softmax(logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
    """Return probabilities, float64 (N, K), rows summing to 1.

    Guo et al., "On Calibration of Modern Neural Networks" (2017), for the temperature.

    >>> softmax(np.array([[0.0, 0.0]])).tolist()
    [[0.5, 0.5]]

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

    >>> rescale(np.array([[0.5, 0.5]]), old=1.0, new=3.0)
    array([[0.5, 0.5]])
    """
    if old == new:
        return probabilities
    return softmax(log_probabilities(probabilities), new / old)
