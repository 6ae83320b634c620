"""Ask a model for its answer to every image of a split, once."""

import time
from contextlib import closing
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from imgclf.data import Examples, ImageSource
from imgclf.inference import Predictor, Prepared, prepare
from imgclf.records import OnProgress, Preprocessing, Progress
from imgclf.runs import Answers
from imgclf.task import NOT_A_NUMBER

Tta: TypeAlias = Literal["none", "flip", "five-crop"]
VIEWS = {"none": 1, "flip": 2, "five-crop": 5}
_CROP_SHARE = 0.875  # each of the five crops shows this share of the side
_TELL_EVERY = 16  # images


@dataclass(frozen=True, eq=False)
class Answered:
    """Answers at temperature ``temperature``, and the seconds that reading and computing took."""

    answers: Answers
    seconds: float
    temperature: float


def answer(
    predictor: Predictor,
    examples: Examples,
    *,
    temperature: float | None = None,
    tta: Tta = "none",
    phase: str = "Evaluating",
    progress: OnProgress = None,
) -> Answered:
    """Compute the probabilities of every image, through the same reading and preprocessing as ``predict``.

    An image that cannot be read has its error and no probabilities; no image is counted twice.

    Args:
        predictor: the model.
        examples: N images; labels index the predictor's classes.
        temperature: divides the logits; None takes the model file's.
        tta: ``flip`` averages the probabilities of the image and its mirror image, ``five-crop`` those of the four
            corners and the centre of an image resized 1/0.875 larger.
        phase: what the progress is called.
        progress: told how many images are done.
    """
    start = time.perf_counter()
    heat = predictor.header.temperature if temperature is None else temperature
    probabilities = np.full((len(examples), len(predictor.class_names)), np.nan)
    errors = [""] * len(examples)

    def read(index: int, _: int) -> Prepared:
        return _views(examples.images[index], index, predictor.header.preprocessing, tta)

    compute = partial(_mean_probabilities, predictor, heat, VIEWS[tta])
    with closing(predictor.batches.computed(range(len(examples)), read, compute)) as computed:
        for index, (views, row) in enumerate(computed):
            if row is None:
                errors[index] = views.error or ""
            elif np.isfinite(row).all():
                probabilities[index] = row
            else:
                errors[index] = NOT_A_NUMBER
            if (index + 1) % _TELL_EVERY == 0 or index + 1 == len(examples):
                _tell(progress, phase, index + 1, len(examples), start)
    return Answered(
        Answers(
            files=tuple(examples.files),
            labels=np.asarray(examples.labels, dtype=np.int64),
            probabilities=probabilities,
            class_names=tuple(predictor.class_names),
            errors=tuple(errors),
        ),
        time.perf_counter() - start,
        heat,
    )


def _tell(progress: OnProgress, phase: str, done: int, total: int, start: float) -> None:
    if progress is not None:
        rate = done / max(time.perf_counter() - start, 1e-9)
        progress(Progress(phase, done, total, f"{rate:,.0f} img/s"))


def _mean_probabilities(
    predictor: Predictor, temperature: float, views: int, pixels: list[np.ndarray]
) -> np.ndarray:
    """Return the mean over each image's views, float64 (N, K), for N arrays of pixels (V, H, W, C)."""
    logits = predictor.logits(np.concatenate(pixels))
    each = predictor.task.probabilities(logits, temperature).reshape(len(pixels), views, -1)
    mean: np.ndarray = each.mean(axis=1)
    return mean


def _views(source: ImageSource, index: int, spec: Preprocessing, tta: Tta) -> Prepared:
    """Read an image and return the views of it that are averaged, uint8 (V, H, W, C)."""
    height, width = spec.image_size
    larger = (round(height / _CROP_SHARE), round(width / _CROP_SHARE))
    whole = prepare(source, index, spec if tta != "five-crop" else replace(spec, image_size=larger))
    if whole.pixels is None:
        return whole
    if tta != "five-crop":
        mirrored = [whole.pixels[:, ::-1]] if tta == "flip" else []
        return replace(whole, pixels=np.stack([whole.pixels, *mirrored]))
    down, right = larger[0] - height, larger[1] - width
    corners = ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2))
    crops = [whole.pixels[top : top + height, left : left + width] for top, left in corners]
    return replace(whole, pixels=np.stack(crops))
