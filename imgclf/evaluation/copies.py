"""Accuracy again without the evaluated images that are near-duplicates of training images."""

import os
import time
from dataclasses import dataclass

import numpy as np

from imgclf import metrics
from imgclf.data import (
    MIN_SIDE,
    MIN_SIMILARITY,
    THUMBNAIL_SIZE,
    Examples,
    ImageSource,
    halve,
    hash_thumbnail,
    near_duplicate_pairs,
    perceptual_hashes,
    read_image,
    similarity,
)
from imgclf.errors import ImageError
from imgclf.evaluation.scores import honest_interval
from imgclf.inference import ordered_map
from imgclf.metrics import Interval
from imgclf.records import OnProgress, Progress
from imgclf.runs import Answers

MAX_DISTANCE = 4
BUDGET_SECONDS = 60.0
_PROBE = 64  # images that are timed before the rest is begun
_CHUNK = 32


@dataclass(frozen=True)
class Copy:
    """An evaluated image and the training image that it copies, by index, with the distance of their hashes."""

    image: int
    training_image: int
    distance: int


@dataclass(frozen=True)
class Copies:
    """What the search came to.

    Attributes:
        found: one entry per evaluated image that has a copy, the nearest.
        other_label: how many of them have another label there.
        accuracy: without them, with its bootstrap interval; None where there are none.
        skipped: why nothing was searched, a sentence; empty where it was.
        wanted: whether a person expects the search, and should read why there was none.
    """

    found: tuple[Copy, ...] = ()
    other_label: int = 0
    accuracy: Interval | None = None
    skipped: str = ""
    wanted: bool = True


def find_copies(
    answers: Answers,
    examples: Examples,
    train: Examples | None,
    *,
    budget_seconds: float | None = BUDGET_SECONDS,
    progress: OnProgress = None,
) -> Copies:
    """Look for evaluated images that the model has seen in training.

    Two images are copies if their perceptual hashes differ in at most four of 64 bits and their thumbnails agree
    more than images of this dataset do.

    Args:
        answers: the answers to ``examples``, in the same order.
        examples: N images.
        train: the training images, or None where they are gone.
        budget_seconds: skip the search if reading all images would take longer; None never skips.
        progress: told how many images are read.
    """
    if train is None:
        return Copies(
            skipped="Copies of training images were not looked for: the training images are not at hand."
        )
    start = time.perf_counter()
    both = [*_sources(examples), *_sources(train)]
    if budget_seconds is not None and (needed := _needed_seconds(both)) > budget_seconds:
        return Copies(
            skipped=f"Copies of training images were not looked for: reading {len(both):,} images would take about "
            f"{needed / 60:.0f} minutes. Ask for it with --near-duplicates."
        )
    thumbnails = np.zeros((len(both), THUMBNAIL_SIZE, THUMBNAIL_SIZE), np.uint8)
    usable = np.zeros(len(both), bool)
    chunks = [range(at, min(at + _CHUNK, len(both))) for at in range(0, len(both), _CHUNK)]
    read = ordered_map(
        lambda chunk: [_thumbnail(both[index]) for index in chunk], chunks, os.cpu_count() or 1
    )
    for chunk, results in zip(chunks, read, strict=True):
        for index, thumbnail in zip(chunk, results, strict=True):
            if thumbnail is not None:
                thumbnails[index], usable[index] = thumbnail, True
        if progress is not None:
            rate = chunk.stop / (time.perf_counter() - start)
            progress(
                Progress("Looking for copies of training images", chunk.stop, len(both), f"{rate:,.0f} img/s")
            )
    return _judge(answers, train, thumbnails, usable)


def _judge(answers: Answers, train: Examples, thumbnails: np.ndarray, usable: np.ndarray) -> Copies:
    count = len(answers)
    ours, theirs = np.flatnonzero(usable[:count]), np.flatnonzero(usable[count:])
    if not len(ours) or not len(theirs):
        return Copies(
            skipped=f"Copies of training images were not looked for: no image is {MIN_SIDE} pixels or larger."
        )
    hashes = perceptual_hashes(thumbnails)
    i, j, distance = near_duplicate_pairs(hashes[count:][theirs], hashes[:count][ours], MAX_DISTANCE)
    small = halve(thumbnails)
    real = similarity(small[count:][theirs], small[:count][ours], i, j) >= MIN_SIMILARITY
    nearest: dict[int, Copy] = {}
    for seen, image, bits in zip(theirs[i[real]], ours[j[real]], distance[real], strict=True):
        nearest.setdefault(int(image), Copy(int(image), int(seen), int(bits)))  # pairs come nearest first
    found = tuple(nearest[image] for image in sorted(nearest))
    if not found:
        return Copies()
    other = sum(answers.labels[copy.image] != train.labels[copy.training_image] for copy in found)
    return Copies(found, int(other), _accuracy_without(answers, [copy.image for copy in found]))


def _accuracy_without(answers: Answers, images: list[int]) -> Interval:
    kept = answers.answered
    kept[images] = False
    rest = answers.select(kept)
    matrix = metrics.confusion_matrix(rest.labels, rest.predicted, len(rest.class_names))
    resampled = metrics.bootstrap_accuracy_and_f1(matrix)[:, 0]
    return honest_interval(metrics.accuracy(matrix), resampled, matrix)


def _sources(examples: Examples) -> list[ImageSource]:
    return [examples.images[index] for index in range(len(examples))]


def _needed_seconds(sources: list[ImageSource]) -> float:
    """Time a few images spread over all and return what all of them would take on all cores."""
    chosen = sources[:: max(1, len(sources) // _PROBE)]
    start = time.perf_counter()
    for source in chosen:
        _thumbnail(source)
    return (time.perf_counter() - start) * len(sources) / max(len(chosen), 1) / (os.cpu_count() or 1)


def _thumbnail(source: ImageSource) -> np.ndarray | None:
    try:
        image = read_image(source)
    except ImageError:
        return None
    return hash_thumbnail(image) if min(image.size) >= MIN_SIDE else None
