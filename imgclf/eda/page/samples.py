"""Images to look at: random ones of each class, seeded, as they are."""

import numpy as np
from PIL import Image

from imgclf.data import read_image, thumbnail
from imgclf.eda.measuring.survey import Survey
from imgclf.errors import ImageError

MAX_CLASSES = 20
_SIDE = 160


def sample_rows(survey: Survey, per_class: int = 8, seed: int = 0) -> dict[str, list[int]]:
    """Draw readable images of each class from the first split (`train`), without replacement.

    Args:
        survey: what was measured.
        per_class: how many of each; fewer where a class has fewer.
        seed: the same seed draws the same images.

    Returns:
        Class name -> rows; of more than twenty classes, twenty spread evenly over them.
    """
    random = np.random.default_rng(seed)
    names = survey.dataset.class_names
    shown = range(len(names))
    if len(names) > MAX_CLASSES:
        shown = np.unique(np.linspace(0, len(names) - 1, MAX_CLASSES).astype(int)).tolist()
    chosen = survey.readable & (survey.splits == next(iter(survey.dataset.splits)))
    drawn = {}
    for label in shown:
        rows = np.flatnonzero(chosen & (survey.labels == label))
        drawn[names[label]] = random.permutation(rows)[:per_class].tolist()
    return drawn


def pixels(survey: Survey, row: int, side: int = _SIDE) -> np.ndarray | None:
    """Read one image again for showing: uint8 (h, w, 3), its longer side at most ``side``; None where it fails."""
    image = small_image(survey, row, side)
    return None if image is None else np.asarray(image)


def small_image(survey: Survey, row: int, side: int = _SIDE) -> Image.Image | None:
    """Read one image as Pillow ``RGB``, its longer side at most ``side``; None where it cannot be read."""
    try:
        return thumbnail(read_image(survey.source(row), name=survey.files[row]), side)
    except ImageError:
        return None


def drawn_samples(
    survey: Survey, per_class: int, seed: int, side: int = _SIDE
) -> dict[str, list[np.ndarray]]:
    """Draw and read the samples of each class; an image that has become unreadable is left out."""
    drawn = sample_rows(survey, per_class, seed)
    return {
        name: [image for row in rows if (image := pixels(survey, row, side)) is not None]
        for name, rows in drawn.items()
    }
