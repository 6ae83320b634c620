"""What training sees: a few images with the random variants that a recipe makes of them."""

import numpy as np

from imgclf.data import denormalize, preprocess, read_image
from imgclf.eda.measuring.survey import Survey
from imgclf.eda.page.samples import sample_rows
from imgclf.recipes import AugmentConfig
from imgclf.records import Preprocessing

_IMAGES = 6
_VARIANTS = 6


HEADINGS = ("evaluation", *(f"epoch {epoch + 1}" for epoch in range(_VARIANTS)))


def augmented_rows(
    survey: Survey, augment: AugmentConfig, spec: Preprocessing, seed: int
) -> dict[str, list[np.ndarray]]:
    """Return six images as evaluation and as training sees them; mixup and CutMix come later, in the loop.

    Args:
        survey: where the images are from.
        augment: the recipe's.
        spec: the preprocessing; its mean and standard deviation are undone for showing.
        seed: of the choice of images and of the augmentation.

    Returns:
        Name -> the images that ``HEADINGS`` names, uint8 (H, W, 3); nothing where there are fewer than two images.
    """
    per_class = -(-_IMAGES // max(len(survey.dataset.class_names), 1))
    rows = _spread([row for drawn in sample_rows(survey, per_class, seed).values() for row in drawn])
    if len(rows) < 2:  # a training batch of one is dropped
        return {}
    variants = _variants(survey, rows, augment, spec, seed)
    shown = {}
    for place, row in enumerate(rows):
        original = preprocess(read_image(survey.source(row), name=survey.files[row]), spec)
        name = survey.label(row)
        shown[name if name not in shown else f"{name} ({place + 1})"] = [
            _as_rgb(image) for image in (original, *(variant[place] for variant in variants))
        ]
    return shown


def _as_rgb(image: np.ndarray) -> np.ndarray:
    return image if image.shape[2] == 3 else np.repeat(image, 3, axis=2)


def _spread(rows: list[int]) -> list[int]:
    """Pick six of the rows, evenly, so that as many classes as possible are among them."""
    return (
        [rows[int(place)] for place in np.linspace(0, len(rows) - 1, _IMAGES)]
        if len(rows) > _IMAGES
        else rows
    )


def _variants(
    survey: Survey, rows: list[int], augment: AugmentConfig, spec: Preprocessing, seed: int
) -> list[np.ndarray]:
    """Return one uint8 (n, H, W, C) per epoch, in the order of ``rows``, from the very loader that trains."""
    from imgclf.data import LoadingOptions, train_loader  # noqa: PLC0415  # torch, which nothing else here needs

    split = next(iter(survey.dataset.splits))
    examples = survey.dataset.splits[split].select(survey.indices[rows])
    loader = train_loader(examples, spec, augment, LoadingOptions(len(rows), "cpu", seed, workers=0))
    epochs = []
    for epoch in range(_VARIANTS):
        (batch,) = loader.epoch(epoch)
        order = np.argsort(batch.indices.numpy())
        epochs.append(denormalize(batch.images.numpy(), spec)[order])
    return epochs
