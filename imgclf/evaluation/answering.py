"""Ask a model for its answer to every image of a split, once."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Literal, TypeAlias

import numpy as np

from imgclf.data import Examples, ImageSource
from imgclf.data.loading.cores import cores
from imgclf.inference import Predictor
from imgclf.inference.ordered_map import ordered_map
from imgclf.inference.sources import Prepared, prepare
from imgclf.records import OnProgress, Preprocessing, Progress
from imgclf.runs.predictions import Answers
from imgclf.task import NOT_A_NUMBER

Tta: TypeAlias = Literal["none", "flip", "five-crop"]
VIEWS = {"none": 1, "flip": 2, "five-crop": 5}
_CROP_SHARE = 0.875  # each of the five crops shows this share of the side
_BATCH = {"cpu": 16, "other": 128}


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
    done = 0
    for indices, values, reasons in _batches_of_answers(predictor, examples, heat, tta):
        probabilities[indices] = values
        for index, reason in reasons.items():
            errors[index] = reason
        done += len(indices) + len(reasons)
        if progress is not None:
            rate = done / max(time.perf_counter() - start, 1e-9)
            progress(Progress(phase, done, len(examples), f"{rate:,.0f} img/s"))
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


_BatchAnswer: TypeAlias = tuple[list[int], np.ndarray, dict[int, str]]


def _batches_of_answers(
    predictor: Predictor, examples: Examples, temperature: float, tta: Tta
) -> Iterator[_BatchAnswer]:
    """Yield (indices answered, their probabilities, index -> error) batch by batch.

    On a CPU each worker thread reads and computes its own batches with one computing thread; on an accelerator the
    workers read and the caller's thread computes. Both are as ``predict`` does it.
    """
    on_cpu = predictor.device == "cpu"
    size = _BATCH["cpu" if on_cpu else "other"]
    batches = [range(start, min(start + size, len(examples))) for start in range(0, len(examples), size)]
    read = partial(_read, predictor.header.preprocessing, examples, tta)
    compute = partial(_compute, predictor, temperature)
    workers = cores()
    if not on_cpu:
        yield from map(compute, ordered_map(read, batches, workers))
        return
    try:
        yield from ordered_map(
            lambda batch: compute(read(batch)), batches, workers, partial(predictor.limit_threads, 1)
        )
    finally:
        predictor.limit_threads(None)


def _read(
    spec: Preprocessing, examples: Examples, tta: Tta, batch: Sequence[int]
) -> list[tuple[int, list[Prepared]]]:
    return [(index, _views(examples.images[index], index, spec, tta)) for index in batch]


def _compute(
    predictor: Predictor, temperature: float, batch: list[tuple[int, list[Prepared]]]
) -> _BatchAnswer:
    reasons = {index: views[0].error for index, views in batch if views[0].error is not None}
    readable = [(index, views) for index, views in batch if index not in reasons]
    classes = len(predictor.class_names)
    if not readable:
        return [], np.empty((0, classes)), reasons
    pixels = np.stack([view.pixels for _, views in readable for view in views if view.pixels is not None])
    views = predictor.task.probabilities(predictor.logits(pixels), temperature).reshape(
        len(readable), -1, classes
    )
    values = views.mean(axis=1)
    finite = np.isfinite(values).all(axis=1)
    reasons |= {index: NOT_A_NUMBER for (index, _), good in zip(readable, finite, strict=True) if not good}
    indices = [index for (index, _), good in zip(readable, finite, strict=True) if good]
    return indices, values[finite], reasons


def _views(source: ImageSource, index: int, spec: Preprocessing, tta: Tta) -> list[Prepared]:
    """Read an image and return the views of it that are averaged."""
    if tta != "five-crop":
        whole = prepare(source, index, spec)
        if tta == "none" or whole.pixels is None:
            return [whole]
        return [whole, replace(whole, pixels=whole.pixels[:, ::-1])]
    height, width = spec.image_size
    larger = (round(height / _CROP_SHARE), round(width / _CROP_SHARE))
    whole = prepare(source, index, replace(spec, image_size=larger))
    if whole.pixels is None:
        return [whole]
    down, right = larger[0] - height, larger[1] - width
    corners = ((0, 0), (0, right), (down, 0), (down, right), (down // 2, right // 2))
    return [
        replace(whole, pixels=whole.pixels[top : top + height, left : left + width]) for top, left in corners
    ]
