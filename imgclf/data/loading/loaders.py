"""Batches for training and evaluation: normalised, on the device, the same in every repetition.

A split that fits the memory budget is decoded once and stays in memory. Whatever can be done to a whole batch
(gathering, cropping, mirroring, colour, normalisation) is done on the device; only the rest is done image by image,
by a background thread or by worker processes.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch
from torch.nn import functional as F

from imgclf.data.augment import AugmentPlan, plan_augmentation
from imgclf.data.augment.batched import BatchedTransform, as_bytes
from imgclf.data.examples import Blocks, Examples, storage_of
from imgclf.data.images.preparation import AsEvaluated
from imgclf.data.images.preprocess import normalize_on_device
from imgclf.data.loading.decoded import OnError, decode
from imgclf.data.loading.sampling import batch_seed, evaluation_batches, training_batches
from imgclf.data.loading.sources import CroppedSource, Pixels, Request, ResidentSource, Source
from imgclf.data.loading.workers import BatchWork, WorkerSource, worker_count
from imgclf.errors import DataError, ImageError
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing, Progress, UnreadableImage

Workers = int | Literal["auto"]


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
class _Order:
    """Which images make which batch; a loader's only difference between training and evaluation."""

    batch_size: int
    seed: int
    rank: int
    world_size: int
    training: bool
    weights: np.ndarray | None = None
    blocks: Blocks | None = None

    def batches(self, count: int, epoch: int) -> list[np.ndarray]:
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
        source: Source,
        transforms: tuple[BatchedTransform, ...],
        spec: Preprocessing,
        order: _Order,
        device: torch.device,
        on_error: OnError,
    ) -> None:
        self.examples = examples
        self.skipped = list(skipped)
        self.wait_seconds = 0.0
        self._source = source
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
        with closing(self._source.pixels(requests)) as made:
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


def train_loader(  # noqa: PLR0913  # the settings are independent of one another
    examples: Examples,
    spec: Preprocessing,
    augment: AugmentConfig,
    *,
    batch_size: int,
    seed: int,
    device: torch.device | str,
    rank: int = 0,
    world_size: int = 1,
    sampler_weights: np.ndarray | None = None,
    workers: Workers = "auto",
    memory_budget_gb: float = 4.0,
    cache_dir: Path | None = None,
    on_error: OnError = "skip",
    progress: Callable[[Progress], None] | None = None,
) -> Loader:
    """Make the loader of the training split: shuffled, augmented, repeatable.

    Everything random is a function of ``seed``, epoch, batch number and ``rank``. A final batch of one image is left
    out. Over several ranks each gets equally many images; mixing inside the batch is the trainer's.

    Args:
        examples: the split.
        spec: the model's preprocessing.
        augment: the recipe's section.
        batch_size: images per batch and rank.
        seed: the run's seed.
        device: where batches go.
        rank: this process among ``world_size``.
        world_size: number of processes.
        sampler_weights: float (N,) for ``examples``; draw with replacement in proportion. None draws each once.
        workers: processes for what has to be done image by image.
        memory_budget_gb: decoded images up to this size stay in memory.
        cache_dir: where decoded images are kept on disk; by default the user's cache folder.
        on_error: leave out what cannot be read, or stop at the first.
        progress: is told how far decoding is.

    Raises:
        ConfigError: the augmentation does not fit.
        ImageError: an image cannot be read and ``on_error`` is ``fail``.
        DataError: no image can be read, or there are too few.
    """
    device = torch.device(device)
    plan = plan_augmentation(augment, spec, is_grey=_is_grey(examples, spec))
    memory = _Memory(memory_budget_gb, cache_dir, on_error, progress)
    order = _Order(batch_size, seed, rank, world_size, training=True)
    loader = _loader(examples, spec, plan, order, memory, workers, device, sampler_weights)
    if len(loader) == 0:
        raise DataError(
            f"The training split has {len(loader.examples)} readable images for {world_size} processes; "
            f"at least two for each are needed."
        )
    return loader


def eval_loader(  # noqa: PLR0913  # the settings are independent of one another
    examples: Examples,
    spec: Preprocessing,
    *,
    batch_size: int,
    device: torch.device | str,
    rank: int = 0,
    world_size: int = 1,
    workers: Workers = "auto",
    memory_budget_gb: float = 4.0,
    cache_dir: Path | None = None,
    on_error: OnError = "skip",
    progress: Callable[[Progress], None] | None = None,
) -> Loader:
    """Make the loader of a split to evaluate: each image once, as :func:`preprocess` cuts it, in order.

    Over several ranks each image comes exactly once, with no padding duplicates; ranks may differ by one image.
    The arguments and errors are those of :func:`train_loader`.
    """
    device = torch.device(device)
    plan = AugmentPlan(AsEvaluated(spec), crop=None, per_image=(), batched=())
    memory = _Memory(memory_budget_gb, cache_dir, on_error, progress)
    order = _Order(batch_size, 0, rank, world_size, training=False)
    return _loader(examples, spec, plan, order, memory, workers, device, None)


@dataclass(frozen=True)
class _Memory:
    """How decoded images are kept."""

    budget_gb: float
    cache_dir: Path | None
    on_error: OnError
    progress: Callable[[Progress], None] | None


def _loader(
    examples: Examples,
    spec: Preprocessing,
    plan: AugmentPlan,
    order: _Order,
    memory: _Memory,
    workers: Workers,
    device: torch.device,
    weights: np.ndarray | None,
) -> Loader:
    """Decode what fits the budget and choose the source that does the least per image."""
    decoding = decode(
        examples,
        plan.prepare,
        memory_budget_gb=memory.budget_gb,
        cache_dir=memory.cache_dir,
        on_error=memory.on_error,
        progress=memory.progress,
    )
    skipped: tuple[UnreadableImage, ...] = ()
    if decoding is not None:
        skipped = decoding.skipped
        if skipped:
            examples = examples.select(decoding.kept)
            weights = None if weights is None else np.asarray(weights)[decoding.kept]
    pin = device.type == "cuda"
    source: Source
    if decoding is not None and plan.is_batched:
        source = ResidentSource(decoding.images, device)
    elif decoding is not None and plan.crop is not None:
        source = CroppedSource(decoding.images, plan.crop, pin=pin)
    else:
        images = decoding.images if decoding is not None else None
        work = BatchWork(examples, images, plan.prepare, plan.crop, plan.per_image, spec, bool(plan.batched))
        source = WorkerSource(work, worker_count(workers, device, order.world_size), pin=pin)
    storage = storage_of(examples.images) if decoding is None else None
    order = replace(order, weights=weights, blocks=storage.blocks if storage else None)
    return Loader(examples, skipped, source, plan.batched, spec, order, device, memory.on_error)


def _is_grey(examples: Examples, spec: Preprocessing) -> bool:
    """Whether the images are known to have one channel without opening any."""
    return spec.channels == 1 or (isinstance(examples.images, np.ndarray) and examples.images.ndim == 3)


def _of_size(values: torch.Tensor, size: tuple[int, int]) -> torch.Tensor:
    """Bring uint8 (N, H, W, C) to the model's input size where the last transform left another."""
    if tuple(values.shape[1:3]) == size:
        return values
    pixels = values.permute(0, 3, 1, 2).to(torch.float32)
    resized = F.interpolate(pixels, size=size, mode="bilinear", antialias=True, align_corners=False)
    return as_bytes(resized).permute(0, 2, 3, 1)
