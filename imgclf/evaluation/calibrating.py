"""What `val` decides after training: the temperature of the probabilities, and the threshold of the reject option."""

from dataclasses import dataclass

from imgclf import metrics
from imgclf.errors import UsageError
from imgclf.inference import Note
from imgclf.metrics import OperatingPoint
from imgclf.runs import Answers
from imgclf.task import SINGLE_LABEL

FEW_IMAGES = 100


@dataclass(frozen=True)
class Fitted:
    """What was fitted on `val`.

    Attributes:
        temperature: to divide the logits by.
        threshold: confidence below which the answer is ``unknown``; None where none was asked for.
        on_val: what the threshold does on `val`.
        notes: sentences that a person should read.
    """

    temperature: float
    threshold: float | None = None
    on_val: OperatingPoint | None = None
    notes: tuple[Note, ...] = ()


def fit(val: Answers, target_risk: float | None, fixed: float | None = None) -> Fitted:
    """Fit the temperature, and the threshold if an error rate is wanted.

    Args:
        val: answers at temperature 1 for images that the model was not trained on.
        target_risk: the wanted error rate among the answers, in [0, 1); None asks for no threshold.
        fixed: a temperature to keep instead of fitting one.

    Raises:
        UsageError: the error rate is out of range, or no threshold reaches it.
    """
    good = val.select(val.answered)
    temperature = metrics.fit_temperature(good.probabilities, good.labels) if fixed is None else fixed
    notes = _temperature_notes(len(good), temperature) if fixed is None else ()
    heat = temperature or 1.0
    if target_risk is None:
        return Fitted(heat, notes=notes)
    point = choose_threshold(good, heat, target_risk)
    return Fitted(heat, point.threshold, point, (*notes, _threshold_note(point, target_risk)))


def choose_threshold(val: Answers, temperature: float, target_risk: float) -> OperatingPoint:
    """Return the threshold with the most answers whose error rate on `val` is at most the wanted one.

    Raises:
        UsageError: the error rate is out of range, or no threshold reaches it.
    """
    if not 0 <= target_risk < 1:
        raise UsageError(
            f"The target risk is {target_risk}, but an error rate is from 0 up to 1: 0.01 is one in a hundred."
        )
    probabilities = SINGLE_LABEL.at_temperature(val.probabilities, 1.0, temperature)
    confidence, correct = (
        SINGLE_LABEL.confidence(probabilities),
        SINGLE_LABEL.correct(probabilities, val.labels),
    )
    threshold = metrics.threshold_for_risk(metrics.coverage_risk(confidence, correct), target_risk)
    if threshold is None:
        raise UsageError(
            f"No threshold brings the error rate on `val` ({len(val)} images) down to {target_risk:.2%}: even the "
            f"surest answers are wrong more often. Ask for a higher --target-risk, or train a better model."
        )
    return metrics.operating_point(confidence, correct, threshold)


def _temperature_notes(images: int, temperature: float | None) -> tuple[Note, ...]:
    if temperature is None:
        return (
            Note(
                "plain",
                f"The temperature stays 1: no answer on the {images} images of `val` is wrong, so they cannot tell it.",
            ),
        )
    if images < FEW_IMAGES:
        return (
            Note(
                "plain", f"The temperature is fitted on only {images} images of `val`: take it with caution."
            ),
        )
    return ()


def _threshold_note(point: OperatingPoint, target: float) -> Note:
    bound = metrics.wilson_interval(point.wrong, point.answered)
    sure = (
        ""
        if bound.high <= target
        else f" On so few images the true error rate may be as high as {bound.high:.2%}."
    )
    return Note(
        "plain" if bound.high <= target else "warn",
        f"Threshold {point.threshold:.4f}: on `val` it answers {point.coverage:.1%} of the images and is wrong on "
        f"{point.risk:.2%} of those ({point.wrong} of {point.answered}).{sure} Below it `predict` and `serve` say 'unknown'.",
    )
