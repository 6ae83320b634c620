"""How a loader is put together: what is decoded beforehand, and who makes the batches.

A split that fits the memory budget is decoded once and stays in memory. Only what cannot be done to a whole batch is
done image by image, by a background thread or by worker processes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
import torch

from imgclf.data.augment import AugmentPlan, plan_augmentation
from imgclf.data.examples import Examples
from imgclf.data.images.preparation import AsEvaluated
from imgclf.data.loading.batches import Batches, CroppedBatches, ResidentBatches
from imgclf.data.loading.decoded import Decoding, OnError, decode
from imgclf.data.loading.loader import Loader, Order
from imgclf.data.loading.workers import BatchWork, WorkerBatches, worker_count
from imgclf.data.stored_images import storage_of
from imgclf.errors import DataError
from imgclf.recipes import AugmentConfig
from imgclf.records import OnProgress, Preprocessing


@dataclass(frozen=True)
class LoadingOptions:
    """How the images of a split are loaded; the same for training and for evaluation.

    Attributes:
        batch_size: images per batch and rank.
        device: where batches go.
        seed: the run's seed; an evaluation is the same for every seed.
        rank: this process among ``world_size``.
        world_size: number of processes.
        workers: processes for what has to be done image by image.
        memory_budget_gb: decoded images up to this size stay in memory.
        cache_dir: where decoded images are kept on disk; by default the user's cache folder.
        on_error: leave out what cannot be read, or stop at the first.
        progress: is told how far decoding is.
    """

    batch_size: int
    device: torch.device | str
    seed: int = 0
    rank: int = 0
    world_size: int = 1
    workers: int | Literal["auto"] = "auto"
    memory_budget_gb: float = 4.0
    cache_dir: Path | None = None
    on_error: OnError = "skip"
    progress: OnProgress = None


def train_loader(
    examples: Examples,
    spec: Preprocessing,
    augment: AugmentConfig,
    options: LoadingOptions,
    sampler_weights: np.ndarray | None = None,
) -> Loader:
    """Make the loader of the training split: shuffled, augmented, repeatable.

    Everything random is a function of seed, epoch, batch number and rank. A final batch of one image is left
    out. Over several ranks each gets equally many images; mixing inside the batch is the trainer's.

    Args:
        examples: the split.
        spec: the model's preprocessing.
        augment: the recipe's section.
        options: how it is loaded.
        sampler_weights: float (N,) for ``examples``; draw with replacement in proportion. None draws each once.

    Raises:
        ConfigError: the augmentation does not fit.
        ImageError: an image cannot be read and ``on_error`` is ``fail``.
        DataError: no image can be read, none of a class, or there are too few.
    """
    plan = plan_augmentation(augment, spec, is_grey=_is_grey(examples, spec))
    decoding = _decoded(examples, plan, options)
    if decoding is not None:
        _check_classes(examples, decoding)
    weights = sampler_weights
    if weights is not None and decoding is not None:
        weights = np.asarray(weights)[decoding.kept]
    storage = storage_of(examples.images) if decoding is None else None
    order = Order(
        options.batch_size,
        options.seed,
        options.rank,
        options.world_size,
        training=True,
        weights=weights,
        blocks=storage.blocks if storage else None,
    )
    loader = _loader(examples, decoding, spec, plan, order, options)
    if len(loader) == 0:
        raise DataError(
            f"The training split has {len(loader.examples)} readable images for {options.world_size} processes; "
            f"at least two for each are needed."
        )
    return loader


def eval_loader(examples: Examples, spec: Preprocessing, options: LoadingOptions) -> Loader:
    """Make the loader of a split to evaluate: each image once, as :func:`preprocess` cuts it, in order.

    Over several ranks each image comes exactly once, with no padding duplicates; ranks may differ by one image.

    Args:
        examples: the split.
        spec: the model's preprocessing.
        options: how it is loaded.

    Raises:
        ImageError: an image cannot be read and ``on_error`` is ``fail``.
        DataError: no image can be read.
    """
    plan = AugmentPlan(AsEvaluated(spec), crop=None, per_image=(), batched=())
    order = Order(options.batch_size, 0, options.rank, options.world_size, training=False)
    return _loader(examples, _decoded(examples, plan, options), spec, plan, order, options)


def _check_classes(examples: Examples, decoding: Decoding) -> None:
    """Refuse to train where a class has images and none of them can be read: its name would never be predicted."""
    lost = np.setdiff1d(examples.labels, examples.labels[decoding.kept])
    if len(lost):
        rows = np.flatnonzero(examples.labels == lost[0])
        first = next(skipped for skipped in decoding.skipped if skipped.file == examples.files[rows[0]])
        raise DataError(
            f"None of the {len(rows)} images of a class can be read, so it cannot be learnt. The first is {first.file}: "
            f"{first.reason}. Mend these files, or take the class out."
        )


def _decoded(examples: Examples, plan: AugmentPlan, options: LoadingOptions) -> Decoding | None:
    """Decode the split, if it fits the budget."""
    return decode(
        examples,
        plan.prepare,
        memory_budget_gb=options.memory_budget_gb,
        cache_dir=options.cache_dir,
        on_error=options.on_error,
        progress=options.progress,
    )


def _loader(
    examples: Examples,
    decoding: Decoding | None,
    spec: Preprocessing,
    plan: AugmentPlan,
    order: Order,
    options: LoadingOptions,
) -> Loader:
    """Choose the batches that do the least per image."""
    device = torch.device(options.device)
    if decoding is not None and decoding.skipped:
        examples = examples.select(decoding.kept)
    pin = device.type == "cuda"
    batches: Batches
    if decoding is not None and plan.is_batched:
        batches = ResidentBatches(decoding.images, device)
    elif decoding is not None and plan.crop is not None:
        batches = CroppedBatches(decoding.images, plan.crop, pin=pin)
    else:
        images = decoding.images if decoding is not None else None
        work = BatchWork(examples, images, plan.prepare, plan.crop, plan.per_image, spec, bool(plan.batched))
        batches = WorkerBatches(work, worker_count(options.workers, device, options.world_size), pin=pin)
    skipped = decoding.skipped if decoding is not None else ()
    return Loader(examples, skipped, batches, plan.batched, spec, order, device, options.on_error)


def _is_grey(examples: Examples, spec: Preprocessing) -> bool:
    """Whether the images are known to have one channel without opening any."""
    return spec.channels == 1 or (isinstance(examples.images, np.ndarray) and examples.images.ndim == 3)
