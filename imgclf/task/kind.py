"""What every kind of task can be asked; the rest of the house knows no argmax and no softmax."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from imgclf.errors import UsageError
from imgclf.records import Prediction

NOT_A_NUMBER = "the model's answer is not a number (NaN)"
"""Why there is no prediction where weights diverged or half precision overflowed."""


@dataclass(frozen=True)
class Decision:
    """How probabilities become what a person reads.

    Attributes:
        top_k: how many of the best classes a prediction lists; clamped to the number of classes.
        threshold: confidence below which the label is ``unknown``; None never rejects.

    Raises:
        UsageError: top_k is below 1, or the threshold is no probability.
    """

    top_k: int = 5
    threshold: float | None = None

    def __post_init__(self) -> None:
        if self.top_k < 1:
            raise UsageError(f"top_k is {self.top_k}, but it must be 1 or more.")
        if self.threshold is not None and not 0 <= self.threshold <= 1:
            raise UsageError(f"The threshold is {self.threshold}, but a confidence is between 0 and 1.")


class Task(Protocol):
    """A kind of classification: what its logits mean. N images, K classes."""

    def probabilities(self, logits: np.ndarray, temperature: float = 1.0) -> np.ndarray:
        """Return probabilities, float64 (N, K), of logits (N, K) divided by the temperature."""
        ...

    def at_temperature(self, probabilities: np.ndarray, old: float, new: float) -> np.ndarray:
        """Return what probabilities (N, K) at temperature ``old`` would have been at ``new``, float64 (N, K)."""
        ...

    def predicted(self, probabilities: np.ndarray) -> np.ndarray:
        """Return the predicted class, int64 (N,), from probabilities or logits (N, K)."""
        ...

    def confidence(self, probabilities: np.ndarray) -> np.ndarray:
        """Return how sure the prediction is, (N,) in [0, 1]."""
        ...

    def correct(self, probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
        """Return whether the prediction is the label, bool (N,)."""
        ...

    def prediction(
        self, file: str, probabilities: np.ndarray, class_names: Sequence[str], decision: Decision
    ) -> Prediction:
        """Return the record of one image, from probabilities (K,); an error where they are not numbers."""
        ...
