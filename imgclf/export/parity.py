"""Does an exported file predict like the model it was made from? Measured on real images, reported as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from imgclf.inference import Predictor
from imgclf.task import softmax

Precision = Literal["fp32", "fp16", "int8"]

TOLERANCES: dict[Precision, float] = {"fp32": 1e-4, "fp16": 0.05, "int8": 0.1}
"""How much each precision may differ.

In float each image's largest difference of a probability must stay below. In eight bits their average must: a few
images between two classes always move far, and whether there is one among those that are checked is luck.
"""

_BATCHES = (1, 5)  # an odd size beside one: that the batch is free is part of what is checked


@dataclass(frozen=True)
class ParityReport:
    """How two files predict the same images; an image's difference is the largest of its classes' probabilities.

    Attributes:
        precision: of the exported file.
        images: how many were compared.
        judged_by: ``largest`` or ``average`` difference of the images.
        tolerance: what that difference may be.
        max_probability_difference: the largest of an image.
        mean_probability_difference: the average of the images.
        max_logit_difference: the largest difference of a logit.
        top1_agreement: share of images whose best class is the same.
        passed: whether the judged difference is within the tolerance.
    """

    precision: Precision
    images: int
    judged_by: Literal["largest", "average"]
    tolerance: float
    max_probability_difference: float
    mean_probability_difference: float
    max_logit_difference: float
    top1_agreement: float
    passed: bool

    @property
    def difference(self) -> float:
        """The difference that is judged."""
        largest, average = self.max_probability_difference, self.mean_probability_difference
        return average if self.judged_by == "average" else largest

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)

    def __str__(self) -> str:
        how = "on average" if self.judged_by == "average" else "at most"
        return (
            f"on {self.images} real images a probability differs by {how} {self.difference:.2g} "
            f"(allowed: {self.tolerance:g}), and {self.top1_agreement:.0%} of the best classes agree"
        )


def compare_predictions(
    reference: Predictor,
    exported: Callable[[np.ndarray], np.ndarray],
    pixels: np.ndarray,
    precision: Precision = "fp32",
    tolerance: float | None = None,
) -> ParityReport:
    """Compare a model and its export on the same preprocessed images.

    Args:
        reference: the model that was exported.
        exported: maps pixels, uint8 (N, H, W, C), to logits (N, K).
        pixels: uint8 (N, H, W, C).
        precision: of the exported file; it says how the differences are judged.
        tolerance: the difference that passes; None takes the precision's own.
    """
    expected = _logits(reference.logits, pixels, _BATCHES[-1])
    found = [_logits(exported, pixels, size) for size in _BATCHES]
    temperature = reference.header.temperature
    wanted = softmax(expected, temperature)
    differences = np.stack([np.abs(softmax(logits, temperature) - wanted).max(1) for logits in found])
    largest, average = float(differences.max()), float(differences.mean(1).max())
    limit = TOLERANCES[precision] if tolerance is None else tolerance
    return ParityReport(
        precision=precision,
        images=len(pixels),
        judged_by="average" if precision == "int8" else "largest",
        tolerance=limit,
        max_probability_difference=largest,
        mean_probability_difference=average,
        max_logit_difference=float(max(np.abs(logits - expected).max() for logits in found)),
        top1_agreement=float(min((logits.argmax(1) == expected.argmax(1)).mean() for logits in found)),
        passed=bool((average if precision == "int8" else largest) <= limit),  # False for NaN too
    )


def _logits(compute: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, size: int) -> np.ndarray:
    batches = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    return np.concatenate([compute(batch) for batch in batches])
