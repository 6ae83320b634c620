"""Does an exported file predict like the model it was made from? Measured on real images, reported as JSON."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from imgclf.inference import Predictor
from imgclf.metrics import mcnemar
from imgclf.task import softmax

Precision = Literal["fp32", "fp16", "int8"]

TOLERANCES: dict[Precision, float] = {"fp32": 1e-4, "fp16": 0.05, "int8": 0.1}
"""How much each precision may differ.

In float each image's largest difference of a probability must stay below. In eight bits their average must: a few
images between two classes always move far, and whether there is one among those that are checked is luck.
"""

_BATCHES = (1, 5)  # an odd size beside one: that the batch is free is part of what is checked


@dataclass(frozen=True)
class AccuracyChange:
    """How often two files are right about the same labelled images.

    Attributes:
        images: how many have a label.
        before: top-1 accuracy of the model, in [0, 1].
        after: that of the exported file.
        only_before: images that only the model gets right.
        only_after: images that only the exported file gets right.
        p_value: of McNemar's test: how often chance alone would part them at least this much.
    """

    images: int
    before: float
    after: float
    only_before: int
    only_after: int
    p_value: float

    def __str__(self) -> str:
        return f"accuracy {self.before:.1%} before and {self.after:.1%} after (p = {self.p_value:.2g})"


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
        accuracy: what the export costs in accuracy; None where nobody says what the images show.
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
    accuracy: AccuracyChange | None = None

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
            f"{f'; {self.accuracy}' if self.accuracy else ''}"
        )


def compare_predictions(
    reference: Predictor,
    exported: Callable[[np.ndarray], np.ndarray],
    pixels: np.ndarray,
    precision: Precision = "fp32",
    tolerance: float | None = None,
    labels: np.ndarray | None = None,
) -> ParityReport:
    """Compare a model and its export on the same preprocessed images.

    Args:
        reference: the model that was exported.
        exported: maps pixels, uint8 (N, H, W, C), to logits (N, K).
        pixels: uint8 (N, H, W, C).
        precision: of the exported file; it says how the differences are judged.
        tolerance: the difference that passes; None takes the precision's own.
        labels: int64 (N,), what the images show, -1 where nobody knows; None where that is so for all.
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
        accuracy=None if labels is None else _accuracy(labels, expected, found[-1]),
    )


def _accuracy(labels: np.ndarray, before: np.ndarray, after: np.ndarray) -> AccuracyChange | None:
    known = labels >= 0
    if not known.any():
        return None
    first, second = (logits[known].argmax(1) == labels[known] for logits in (before, after))
    test = mcnemar(first, second)
    return AccuracyChange(
        images=int(known.sum()),
        before=float(first.mean()),
        after=float(second.mean()),
        only_before=test.only_first,
        only_after=test.only_second,
        p_value=test.p_value,
    )


def _logits(compute: Callable[[np.ndarray], np.ndarray], pixels: np.ndarray, size: int) -> np.ndarray:
    batches = [pixels[start : start + size] for start in range(0, len(pixels), size)]
    return np.concatenate([compute(batch) for batch in batches])
