"""Does an exported file answer like the model it was made from? Measured on real images, reported as JSON."""

from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from imgclf.inference import Predictor, softmax

TOLERANCES = {"fp32": 1e-4, "fp16": 0.02, "int8": 0.2}
"""Largest difference of a probability that each precision may show."""

_BATCHES = (1, 5)  # an odd size beside one: that the batch is free is part of what is checked


@dataclass(frozen=True)
class ParityReport:
    """How two files answer the same images.

    Attributes:
        images: how many were compared.
        tolerance: largest difference of a probability that was allowed.
        max_probability_difference: the largest that there was, over all images and classes.
        mean_probability_difference: over all images and classes.
        max_logit_difference: the largest difference of a logit.
        top1_agreement: share of images whose best class is the same.
        passed: whether the largest difference of a probability is within the tolerance.
    """

    images: int
    tolerance: float
    max_probability_difference: float
    mean_probability_difference: float
    max_logit_difference: float
    top1_agreement: float
    passed: bool

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return asdict(self)


def compare_answers(
    reference: Predictor, exported: Predictor, pixels: np.ndarray, tolerance: float
) -> ParityReport:
    """Compare two predictors on the same preprocessed images.

    Args:
        reference: the model that was exported.
        exported: the exported file.
        pixels: uint8 (N, H, W, C).
        tolerance: largest difference of a probability that passes.
    """
    expected = _logits(reference, pixels, _BATCHES[-1])
    answers = [_logits(exported, pixels, size) for size in _BATCHES]
    temperature = reference.header.temperature
    wanted = softmax(expected, temperature)
    differences = np.stack([np.abs(softmax(answer, temperature) - wanted) for answer in answers])
    largest = float(differences.max())
    return ParityReport(
        images=len(pixels),
        tolerance=tolerance,
        max_probability_difference=largest,
        mean_probability_difference=float(differences.mean()),
        max_logit_difference=float(max(np.abs(answer - expected).max() for answer in answers)),
        top1_agreement=float(min((answer.argmax(1) == expected.argmax(1)).mean() for answer in answers)),
        passed=bool(largest <= tolerance),  # False for NaN too
    )


def _logits(predictor: Predictor, pixels: np.ndarray, size: int) -> np.ndarray:
    batches = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    return np.concatenate([predictor.logits(batch) for batch in batches])
