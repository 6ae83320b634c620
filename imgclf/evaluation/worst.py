"""The worst errors: wrong answers that the model was surest of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from PIL import Image

from imgclf.data import Examples, ImageSource, encode_thumbnail, read_image
from imgclf.data import thumbnail as fitted
from imgclf.errors import ImageError
from imgclf.runs import Answers

THUMBNAIL_SIDE = 224

Overlay: TypeAlias = Callable[[ImageSource, int], np.ndarray | None]
"""Shows which part of an image (first) speaks for a class (second, its index): uint8 (H, W, 3), or None."""


@dataclass(frozen=True, eq=False)
class WorstError:
    """A wrong answer.

    Attributes:
        index: of the image.
        file: its name.
        true_label: the dataset's class.
        label: the model's.
        confidence: of the model's.
        true_confidence: the probability that the model gave the dataset's class.
        pixels: uint8 (H, W, 3), made small.
        overlay: what the model looked at, uint8 (H, W, 3); None where that was not asked for.
    """

    index: int
    file: str
    true_label: str
    label: str
    confidence: float
    true_confidence: float
    pixels: np.ndarray
    overlay: np.ndarray | None = None


def worst_errors(
    answers: Answers, examples: Examples, count: int, overlay: Overlay | None = None
) -> list[WorstError]:
    """Return the wrong answers with the highest confidence, the surest first.

    Args:
        answers: the answers to ``examples``, in the same order.
        examples: N images.
        count: at most so many.
        overlay: draws what the model looked at.
    """
    errors: list[WorstError] = []
    for index in answers.surest_errors().tolist():
        if len(errors) >= count:
            break
        try:
            pixels = thumbnail(examples.images[index])
        except ImageError:  # Readable a moment ago, gone now: the next one takes its place.
            continue
        true, label = int(answers.labels[index]), int(answers.predicted[index])
        errors.append(
            WorstError(
                index=index,
                file=answers.files[index],
                true_label=answers.class_names[true],
                label=answers.class_names[label],
                confidence=float(answers.confidence[index]),
                true_confidence=float(answers.probabilities[index, true]),
                pixels=pixels,
                overlay=None if overlay is None else overlay(examples.images[index], label),
            )
        )
    return errors


def thumbnail(source: ImageSource, side: int = THUMBNAIL_SIDE) -> np.ndarray:
    """Return an image made to fit into a square of ``side`` pixels, uint8 (H, W, 3); a small one stays as it is.

    Raises:
        ImageError: it cannot be read.
    """
    return np.asarray(fitted(read_image(source), side))


def encode(pixels: np.ndarray) -> bytes:
    """Encode a small image for a page: PNG up to 64 pixels, where it is smaller and exact, JPEG above."""
    return encode_thumbnail(Image.fromarray(pixels))[0]
