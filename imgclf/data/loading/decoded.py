"""Images decoded once into one block of memory, so that no epoch after the first reads a file."""

import os
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np

from imgclf.data.examples import Examples
from imgclf.data.images.preparation import Preparation
from imgclf.data.images.reading import read_size
from imgclf.data.loading.decoded_cache import cache_key, load_cached, store
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.data.loading.memory import available_memory
from imgclf.data.stored_images import storage_of
from imgclf.errors import DataError, ImageError
from imgclf.records import OnProgress, Progress, UnreadableImage

OnError = Literal["skip", "fail"]

_SHARE = 0.5  # of the memory that is left: the other splits, the network and its steps want some, too
_TASK = 64  # images that a thread takes at a time
_SMALL = 64 * 64 * 3  # bytes of pixels below which one thread decodes faster than several
_WORTH_KEEPING = 1.0  # seconds of decoding above which the result is kept on disk


@dataclass(frozen=True, eq=False)
class Decoding:
    """The outcome of decoding a split.

    Attributes:
        images: M decoded images.
        kept: int64 (M,), the examples that they are.
        skipped: the examples that could not be read.
    """

    images: DecodedImages
    kept: np.ndarray
    skipped: tuple[UnreadableImage, ...] = ()


@dataclass(frozen=True, eq=False)
class _Plan:
    """Where each image will lie; images whose header is unreadable have no place."""

    offsets: np.ndarray
    shapes: np.ndarray
    failures: dict[int, str]

    @property
    def nbytes(self) -> int:
        return int(self.shapes.prod(axis=1, dtype=np.int64).sum())


@dataclass(frozen=True)
class _Budget:
    """How many bytes a split may take: what the config says, and half of what the machine or container has left."""

    wished: float
    left: float

    @classmethod
    def of(cls, gigabytes: float) -> "_Budget":
        available = available_memory()
        return cls(gigabytes * 2**30, float("inf") if available is None else available * _SHARE)

    def holds(self, nbytes: float, progress: OnProgress) -> bool:
        """Say whether a split fits; tell where only the memory at hand is too small for it."""
        if self.left < nbytes <= self.wished and progress is not None:
            detail = f"{nbytes / 2**30:.1f} GB are too much for the free memory; see data.memory_budget_gb"
            progress(Progress("Leaving images on disk", 1, 1, detail))
        return nbytes <= min(self.wished, self.left)


def decode(
    examples: Examples,
    prepare: Preparation,
    *,
    memory_budget_gb: float = 4.0,
    cache_dir: Path | None = None,
    on_error: OnError = "skip",
    progress: OnProgress = None,
) -> Decoding | None:
    """Decode a split into memory, or take it from the cache of an earlier run.

    Args:
        examples: what to decode.
        prepare: what is kept of each image.
        memory_budget_gb: return None where the pixels would take more, or more than half of the memory that is free and
            allowed.
        cache_dir: where decoded pixels are kept on disk; by default the user's cache folder.
        on_error: leave out what cannot be read, or stop at the first.
        progress: is told how many images are done.

    Raises:
        ImageError: an image cannot be read and ``on_error`` is ``fail``.
        DataError: no image can be read.
    """
    at_hand = _at_hand(examples, prepare)
    if at_hand is not None:
        return Decoding(at_hand, np.arange(len(examples)))
    budget = _Budget.of(memory_budget_gb)
    if not budget.holds(_least_gigabytes(examples, prepare) * 2**30, progress):
        return None
    key = cache_key(examples.images, prepare)
    cached = load_cached(key, cache_dir, len(examples))
    if cached is not None:
        images, failures = cached
        if not budget.holds(images.block.nbytes, progress):
            return None
    else:
        started = time.monotonic()
        plan = _plan(examples, prepare, progress)
        if not budget.holds(plan.nbytes, progress):
            return None
        images, failures = _decode_all(examples, prepare, plan, progress)
        if time.monotonic() - started > _WORTH_KEEPING:
            store(key, cache_dir, images, failures)
    return _checked(examples, images, failures, on_error)


def _least_gigabytes(examples: Examples, prepare: Preparation) -> float:
    """Return what the pixels take at least, as far as that is known before any image is opened."""
    size = prepare.fixed_size()
    if size is not None:
        return len(examples) * size[0] * size[1] * prepare.channels / 2**30
    # Pixels take more than the encoded images: looking into each of a set of terabytes would take days.
    storage = storage_of(examples.images)
    return storage.nbytes / 2**30 if storage else 0.0


def _at_hand(examples: Examples, prepare: Preparation) -> DecodedImages | None:
    """Return pixels that need no decoding: an array whose images are kept as they are (grey stays one channel)."""
    pixels = examples.images
    if not isinstance(pixels, np.ndarray) or pixels.dtype != np.uint8 or pixels.ndim not in (3, 4):
        return None
    channels = 1 if pixels.ndim == 3 else pixels.shape[3]
    height, width = pixels.shape[1:3]
    if not prepare.keeps((height, width)) or channels not in (1, prepare.channels):
        return None
    return DecodedImages.from_array(pixels.reshape(len(pixels), height, width, channels))


def _plan(examples: Examples, prepare: Preparation, progress: OnProgress) -> _Plan:
    """Lay out the memory from the headers alone (or from nothing, where every image gets the same size)."""
    count = len(examples)
    failures: dict[int, str] = {}
    shapes = np.zeros((count, 3), dtype=np.int64)
    fixed = prepare.fixed_size()
    if fixed is not None:
        shapes[:] = (*fixed, prepare.channels)
    else:

        def measure(index: int) -> None:
            size = read_size(examples.images[index], name=examples.files[index])
            shapes[index] = (*prepare.size(size), prepare.channels)

        from_files = count > 0 and isinstance(examples.images[0], Path)
        _in_threads(count, measure, failures, "Measuring images", progress, alone=not from_files)
    ends = shapes.prod(axis=1).cumsum()
    offsets = np.concatenate([[0], ends[:-1]]) if count else np.zeros(0, dtype=np.int64)
    return _Plan(offsets.astype(np.int64), shapes, failures)


def _decode_all(
    examples: Examples, prepare: Preparation, plan: _Plan, progress: OnProgress
) -> tuple[DecodedImages, dict[int, str]]:
    """Decode every image into its place; the block is then free of gaps where all sizes are equal."""
    block = np.empty(plan.nbytes, dtype=np.uint8)
    shapes = plan.shapes.copy()
    failures = dict(plan.failures)

    def decode_one(index: int) -> None:
        if index in plan.failures:
            return
        name = examples.files[index]
        pixels = prepare.read(examples.images[index], name)
        if pixels.size != plan.shapes[index].prod():
            raise ImageError(name, "has another size than its header says", "damaged")
        shapes[index] = pixels.shape  # EXIF orientation may swap height and width
        block[plan.offsets[index] : plan.offsets[index] + pixels.size] = pixels.reshape(-1)

    small = plan.nbytes < _SMALL * len(examples)
    _in_threads(len(examples), decode_one, failures, "Decoding images", progress, alone=small)
    kept = np.setdiff1d(np.arange(len(examples)), list(failures))
    images = DecodedImages(block, plan.offsets[kept], shapes[kept])
    return images.without_gaps(), failures


def _in_threads(
    count: int,
    work: Callable[[int], None],
    failures: dict[int, str],
    phase: str,
    progress: OnProgress,
    alone: bool,
) -> None:
    """Call ``work`` for every index, in several threads: Pillow releases the interpreter lock while it decodes.

    ``alone`` takes one thread: where a call is short, handing the lock to and fro costs more than it saves.
    """

    def run(indices: Sequence[int]) -> dict[int, str]:
        failed = {}
        for index in indices:
            try:
                work(index)
            except ImageError as error:
                failed[index] = error.reason
        return failed

    done = 0
    with ThreadPoolExecutor(max_workers=1 if alone else min(16, os.cpu_count() or 1)) as pool:
        tasks: list[Future[dict[int, str]]] = []
        try:
            tasks += [
                pool.submit(run, range(first, min(first + _TASK, count))) for first in range(0, count, _TASK)
            ]
            for task in as_completed(tasks):
                failures.update(task.result())
                done = min(count, done + _TASK)
                if progress is not None:
                    progress(Progress(phase, done, count))
        except BaseException:  # Ctrl-C must not wait for the whole queue
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _checked(
    examples: Examples, images: DecodedImages, failures: dict[int, str], on_error: OnError
) -> Decoding:
    """Apply ``on_error`` and list what was left out, by name."""
    skipped = tuple(UnreadableImage(examples.files[index], failures[index]) for index in sorted(failures))
    if skipped and on_error == "fail":
        raise ImageError(skipped[0].file, f"{skipped[0].reason}. To leave such files out: --on-error skip")
    if skipped and len(skipped) == len(examples):
        raise DataError(
            f"None of the {len(examples)} images can be read. The first is {skipped[0].file}: {skipped[0].reason}."
        )
    return Decoding(images, np.setdiff1d(np.arange(len(examples)), list(failures)), skipped)
