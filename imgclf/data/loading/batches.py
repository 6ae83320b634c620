"""Where a loader's pixels come from when they are in memory: whole batches by index, or a crop of each image."""

import contextlib
import os
import queue
import threading
from collections.abc import Generator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
import torch

from imgclf.data.augment.crops import Crop, cut
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.records import UnreadableImage

_AHEAD = 2  # batches prepared while the step runs
_DEVICE_SHARE = 0.25  # of a GPU's free memory that a split may take


@dataclass(frozen=True)
class Request:
    """One batch to be made.

    Attributes:
        number: its place in the epoch.
        indices: int64 (N,), which images.
        seed: of everything random about it.
    """

    number: int
    indices: np.ndarray
    seed: int


@dataclass(frozen=True)
class Pixels:
    """One batch before the device's share of the work.

    Attributes:
        values: uint8 (N, H, W, C).
        indices: int64 (N,), which images.
        failures: images that were asked for and cannot be read.
    """

    values: torch.Tensor
    indices: np.ndarray
    failures: tuple[UnreadableImage, ...] = field(default=())


class Batches(Protocol):
    """Makes batches of pixels."""

    def pixels(self, requests: Sequence[Request]) -> Generator[Pixels, None, None]:
        """Yield the batches in order."""


class ResidentBatches:
    """Images of one size in one tensor: a batch is one gather, with no work per image."""

    def __init__(self, images: DecodedImages, device: torch.device) -> None:
        pixels = torch.from_numpy(images.array)
        self._shape = pixels.shape[1:]
        self._rows = _on_device_if_it_fits(pixels.reshape(len(pixels), -1), device)

    def pixels(self, requests: Sequence[Request]) -> Generator[Pixels, None, None]:
        """Yield the batches in order."""
        for request in requests:
            indices = torch.from_numpy(request.indices).to(self._rows.device)
            yield Pixels(self._rows.index_select(0, indices).view(-1, *self._shape), request.indices)


class CroppedBatches:
    """Images of differing size in memory: a background thread cuts and resizes ahead of the step."""

    def __init__(self, images: DecodedImages, crop: Crop, *, pin: bool) -> None:
        self._images = images
        self._crop = crop
        self._pin = pin

    def pixels(self, requests: Sequence[Request]) -> Generator[Pixels, None, None]:
        """Yield the batches in order."""
        with ThreadPoolExecutor(max_workers=max(1, min(8, (os.cpu_count() or 1) // 2))) as pool:
            yield from _ahead(self._make(request, pool) for request in requests)

    def _make(self, request: Request, pool: ThreadPoolExecutor) -> Pixels:
        generator = np.random.default_rng(request.seed)
        boxes = self._crop.draw(self._images.shapes[request.indices, :2], generator)
        channels = int(self._images.shapes[request.indices[0], 2])
        batch = np.empty((len(request.indices), *self._crop.to, channels), dtype=np.uint8)

        def fill(positions: range) -> None:
            for position in positions:
                pixels = self._images[int(request.indices[position])]
                batch[position] = cut(pixels, boxes[position], self._crop)

        share = 16
        list(pool.map(fill, (range(i, min(i + share, len(batch))) for i in range(0, len(batch), share))))
        values = torch.from_numpy(batch)
        return Pixels(values.pin_memory() if self._pin else values, request.indices)


def _ahead(batches: Iterator[Pixels]) -> Iterator[Pixels]:
    """Run an iterator in a thread, at most two batches ahead; errors come out where the batch would have."""
    ready: queue.Queue[Pixels | BaseException | None] = queue.Queue(maxsize=_AHEAD)
    stopped = threading.Event()

    def put(item: Pixels | BaseException | None) -> None:
        while not stopped.is_set():
            with contextlib.suppress(queue.Full):
                ready.put(item, timeout=0.1)
                break

    def work() -> None:
        try:
            for pixels in batches:
                put(pixels)
                if stopped.is_set():
                    return
            put(None)
        except BaseException as error:
            put(error)

    thread = threading.Thread(target=work, name="imgclf-batches", daemon=True)
    thread.start()
    try:
        while (item := ready.get()) is not None:
            if isinstance(item, BaseException):
                raise item
            yield item
    finally:  # also when the consumer stops in mid-epoch
        stopped.set()
        thread.join()


def _on_device_if_it_fits(pixels: torch.Tensor, device: torch.device) -> torch.Tensor:
    """Move a split to a GPU where it takes at most a quarter of what is free there."""
    if device.type != "cuda":
        return pixels
    free, _ = torch.cuda.mem_get_info(device)
    return pixels.to(device) if pixels.nbytes < free * _DEVICE_SHARE else pixels
