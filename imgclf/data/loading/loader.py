"""One split's batches, epoch after epoch: normalised, on the device, the same in every repetition.

Whatever can be done to a whole batch (gathering, cropping, mirroring, colour, normalisation) is done on the device.
"""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import final

import numpy as np
import torch
from torch.nn import functional as F

from imgclf.data.augment.batched import BatchedTransform, as_bytes
from imgclf.data.examples import Examples
from imgclf.data.images.preprocess import normalize_on_device
from imgclf.data.loading.batches import Batches, Pixels, Request
from imgclf.data.loading.decoded import OnError
from imgclf.data.loading.sampling import batch_seed, evaluation_batches, training_batches
from imgclf.data.stored_images import Blocks
from imgclf.errors import DataError, ImageError
from imgclf.records import Preprocessing, UnreadableImage


@dataclass(frozen=True, eq=False)
class Batch:
    """What a step takes.

    Attributes:
        images: float32 (N, C, H, W), normalised, on the device, channels_last.
        labels: int64 (N,), on the device.
        indices: int64 (N,), on the CPU, into the loader's examples.
    """

    images: torch.Tensor
    labels: torch.Tensor
    indices: torch.Tensor


@dataclass(frozen=True)
class Order:
    """Which images make which batch; a loader's only difference between training and evaluation."""

    batch_size: int
    seed: int
    rank: int
    world_size: int
    training: bool
    weights: np.ndarray | None = None
    blocks: Blocks | None = None

    def batches(self, count: int, epoch: int) -> list[np.ndarray]:
        """Return the images of each batch of an epoch of ``count`` images, int64 arrays."""
        if not self.training:
            return evaluation_batches(count, self.batch_size, rank=self.rank, world_size=self.world_size)
        return training_batches(
            count,
            self.batch_size,
            seed=self.seed,
            epoch=epoch,
            rank=self.rank,
            world_size=self.world_size,
            weights=self.weights,
            blocks=self.blocks,
        )

    def seed_of(self, epoch: int, number: int) -> int:
        """Return what decides everything random in a batch."""
        return batch_seed(self.seed, epoch, number, self.rank)


@final
class Loader:
    """Gives the batches of an epoch.

    Attributes:
        examples: the split without the images that were found unreadable beforehand.
        skipped: every image that was left out so far, with the reason.
        wait_seconds: time that the consumer has waited for batches in the current epoch.
    """

    def __init__(
        self,
        examples: Examples,
        skipped: tuple[UnreadableImage, ...],
        batches: Batches,
        transforms: tuple[BatchedTransform, ...],
        spec: Preprocessing,
        order: Order,
        device: torch.device,
        on_error: OnError,
    ) -> None:
        self.examples = examples
        self.skipped = list(skipped)
        self.wait_seconds = 0.0
        self._batches = batches
        self._transforms = transforms
        self._spec = spec
        self._order = order
        self._device = device
        self._on_error = on_error
        self._labels = torch.from_numpy(np.asarray(examples.labels, dtype=np.int64)).to(device)
        self._generator = torch.Generator(device=device)

    def __len__(self) -> int:
        """Return the number of batches in an epoch."""
        return len(self._order.batches(len(self.examples), 0))

    def epoch(self, epoch: int, start_batch: int = 0) -> Iterator[Batch]:
        """Yield the batches of an epoch.

        Args:
            epoch: its number, which decides the order and the augmentation.
            start_batch: begin with this batch; it and those after it are the same as in a full epoch.
        """
        self.wait_seconds = 0.0
        batches = self._order.batches(len(self.examples), epoch)
        requests = [
            Request(number, batches[number], self._order.seed_of(epoch, number))
            for number in range(start_batch, len(batches))
        ]
        with closing(self._batches.pixels(requests)) as made:
            for request in requests:
                started = time.perf_counter()
                batch = self._finished(next(made), request)
                self.wait_seconds += time.perf_counter() - started
                yield batch

    def _finished(self, pixels: Pixels, request: Request) -> Batch:
        """Do the device's share: channels, batched transforms, normalisation."""
        self._note(pixels.failures)
        if len(pixels.indices) == 0:
            raise DataError(
                f"None of the {len(request.indices)} images of a batch can be read. "
                f"The first is {pixels.failures[0].file}: {pixels.failures[0].reason}."
            )
        values = pixels.values.to(self._device, non_blocking=True)
        if values.shape[3] < self._spec.channels:
            values = values.expand(-1, -1, -1, self._spec.channels).contiguous()
        generator = self._generator.manual_seed(request.seed)
        for transform in self._transforms:
            values = transform(values, generator)
        values = _of_size(values, self._spec.image_size)
        indices = torch.from_numpy(pixels.indices)
        labels = self._labels.index_select(0, indices.to(self._device))
        return Batch(normalize_on_device(values, self._spec), labels, indices)

    def _note(self, failures: tuple[UnreadableImage, ...]) -> None:
        """List images that only turned out to be unreadable while streaming."""
        for failure in failures:
            if self._on_error == "fail":
                raise ImageError(failure.file, f"{failure.reason}. To leave such files out: --on-error skip")
            if failure not in self.skipped:
                self.skipped.append(failure)


def _of_size(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Bring uint8 (N, H, W, C) to the model's input size where the last transform left another."""
    if tuple(values.shape[1:3]) == size:
        return values
    pixels = values.permute(0, 3, 1, 2).to(torch.float32)
    resized = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
    return as_bytes(resized).permute(0, 2, 3, 1)
