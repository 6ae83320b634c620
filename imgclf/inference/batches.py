"""The one way in which a stream of images is computed: threads, order, batch sizes, and too little memory.

Predict, evaluate, embed and the workers of a cluster all come through here.
"""

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import TypeVar, final

import numpy as np

from imgclf.data import cores
from imgclf.errors import OutOfMemoryError
from imgclf.inference.batch_size import BatchSize, BatchSizer
from imgclf.inference.ordered_map import ordered_map
from imgclf.inference.sources import Prepared

Item = TypeVar("Item")
Row = TypeVar("Row")


@final
class Batches:
    """Computes streams of images on one device.

    Args:
        device: ``cpu``, ``cuda`` or ``mps``.
        limit_threads: lets the calling thread compute with so many threads; see ``Backend.limit_threads``.
        batch_size: images computed at once; ``auto`` measures on the first ones.
        workers: threads that read images; None is as many as there are cores.
    """

    def __init__(
        self,
        device: str,
        limit_threads: Callable[[int | None], None],
        batch_size: BatchSize = "auto",
        workers: int | None = None,
    ) -> None:
        self._device = device
        self._limit_threads = limit_threads
        self._sizer = BatchSizer(device, batch_size)
        self._workers = workers or cores()

    def computed(
        self,
        items: Iterable[Item],
        read: Callable[[Item, int], Prepared],
        compute: Callable[[list[np.ndarray]], Iterable[Row]],
        batch_size: BatchSize | None = None,
    ) -> Generator[tuple[Prepared, Row | None], None, None]:
        """Yield what was read of each item with what was computed of it, in order; ``close()`` ends it early.

        On a CPU each worker thread reads and computes its own batches with one computing thread: on shared
        cores that beats threads inside one operator. On an accelerator workers read, and the caller's
        thread computes. The memory in use does not depend on how many items there are.

        Args:
            items: an iterator is consumed as the results are.
            read: gives the pixels of an item and its place in the stream, or why there are none.
            compute: gives a row for each of the pixels; it is called from several threads at once.
            batch_size: overrides that of the class.

        Yields:
            Pairs (read, row); the row is None where nothing could be read.
        """
        sizer = self._sizer if batch_size is None else BatchSizer(self._device, batch_size)
        batches = _cut(zip(items, itertools.count(), strict=False), sizer)

        def read_all(batch: Sequence[tuple[Item, int]]) -> list[Prepared]:
            return [read(item, place) for item, place in batch]

        if self._device != "cpu":
            for prepared in ordered_map(read_all, batches, self._workers):
                yield from _computed(prepared, compute, sizer)
            return
        try:
            one_thread = partial(self._limit_threads, 1)
            work = ordered_map(
                lambda batch: _computed(read_all(batch), compute, sizer), batches, self._workers, one_thread
            )
            for pairs in work:
                yield from pairs
        finally:
            self._limit_threads(None)


def _cut(numbered: Iterator[tuple[Item, int]], sizer: BatchSizer) -> Iterator[Sequence[tuple[Item, int]]]:
    while batch := list(itertools.islice(numbered, sizer.next_size())):
        yield batch


def _computed(
    prepared: Sequence[Prepared], compute: Callable[[list[np.ndarray]], Iterable[Row]], sizer: BatchSizer
) -> list[tuple[Prepared, Row | None]]:
    """Compute what could be read; each row is paired with its own image, never by position alone."""
    start = time.perf_counter()
    pixels = [item.pixels for item in prepared if item.pixels is not None]
    rows = iter(_rows(pixels, compute) if pixels else ())
    pairs = [(item, None if item.pixels is None else next(rows)) for item in prepared]
    if pixels:
        sizer.record(len(pixels), time.perf_counter() - start)
    return pairs


def _rows(pixels: list[np.ndarray], compute: Callable[[list[np.ndarray]], Iterable[Row]]) -> list[Row]:
    """Compute a batch, by halves where it does not fit: another program may have taken the device's memory.

    Raises:
        OutOfMemoryError: one image alone does not fit.
    """
    try:
        return list(compute(pixels))
    except OutOfMemoryError:
        if len(pixels) == 1:
            raise
    middle = len(pixels) // 2
    return [*_rows(pixels[:middle], compute), *_rows(pixels[middle:], compute)]
