"""Look before the first epoch: what would be trained on what, what the model will see, how long it may take."""

import resource
import statistics
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from lightning_fabric import Fabric

from imgclf.data import Batch, denormalize, shown_share
from imgclf.figures import GalleryTile, image_gallery
from imgclf.recipes import Config
from imgclf.records import Preprocessing
from imgclf.runs import Run
from imgclf.training.precision import fabric_precision
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.run.preparation import prepare, typical_size
from imgclf.training.run.session import open_splits
from imgclf.training.run.work import Job, make_loaders, make_trainer, misfit_told

_WARMUP_STEPS, _TIMED_STEPS = 2, 6
_SHOWN = 24
_NAMED = 5  # of the files that cannot be read


@dataclass(frozen=True)
class DryRun:
    """What a run with this config would be.

    Attributes:
        config: the resolved config, as TOML would hold it.
        images: number of images per split.
        class_names: in index order.
        parameters: of the network.
        crop_keeps: share of a typical image's area that validation and prediction see, in (0, 1].
        step_seconds: one training step, the median of a few real ones, data included.
        total_seconds: estimated for all epochs, validation included.
        memory_bytes: highest so far, of the process on a CPU and of the device on CUDA.
        batch_figure: the PNG of the first augmented training images.
    """

    config: dict[str, Any]
    images: dict[str, int]
    class_names: tuple[str, ...]
    parameters: int
    crop_keeps: float
    step_seconds: float
    total_seconds: float
    memory_bytes: int
    batch_figure: Path


def dry_run(
    config: Config, *, out: Path, data_dir: Path | None = None, reporter: Reporter | None = None
) -> DryRun:
    """Prepare a run, take a few real steps on a throw-away copy of the model, and train nothing.

    Args:
        config: as for :func:`imgclf.training.train`.
        out: the folder for the picture of the first batch.
        data_dir: where registered datasets live.
        reporter: told sentences and progress.

    Raises:
        ImgclfError: what would stop the real run stops this one too.
    """
    reporter = reporter or SilentReporter()
    splits, class_names = open_splits(config, data_dir, reporter)
    for image in splits.unreadable[:_NAMED]:
        reporter.warning(f"Left out {image.file}: {image.reason}")
    preparation = prepare(config, splits, class_names)
    for note in preparation.notes:
        reporter.message(note)
    hardware = preparation.config.hardware
    fabric = Fabric(
        accelerator=hardware.device,
        devices=1,
        precision=fabric_precision(hardware.precision),  # type: ignore[arg-type]
    )
    job = Job(Run(out), preparation.config, preparation.header, preparation.classifier)
    loaders = make_loaders(fabric, reporter, job, splits)
    trainer = make_trainer(fabric, reporter, job, loaders)
    first = next(iter(loaders.train.epoch(0)))
    with misfit_told(fabric, job):
        seconds = _time_steps(trainer.probe_steps(_WARMUP_STEPS + _TIMED_STEPS))
    figure = _draw(first, preparation.header.preprocessing, class_names, out / "first-batch.png")
    training = preparation.config.training
    # Validation is a forward pass: a third of a step's work per image.
    epoch_seconds = seconds * (len(loaders.train) + len(loaders.val) / 3)
    return DryRun(
        config=preparation.config.to_toml_dict(),
        images={"train": len(splits.train), "val": len(splits.val), "test": len(splits.test or ())},
        class_names=class_names,
        parameters=sum(parameter.numel() for parameter in preparation.classifier.parameters()),
        crop_keeps=shown_share(typical_size(splits.train), preparation.header.preprocessing),
        step_seconds=seconds,
        total_seconds=epoch_seconds * training.epochs,
        memory_bytes=_memory(hardware.device),
        batch_figure=figure,
    )


def _time_steps(steps: Iterator[None]) -> float:
    """Median seconds of the steps after the first few, which also pay for what is set up once."""
    seconds, started = [], time.perf_counter()
    for _ in steps:
        now = time.perf_counter()
        seconds.append(now - started)
        started = now
    return statistics.median(seconds[_WARMUP_STEPS:] or seconds)


def _draw(batch: Batch, preprocessing: Preprocessing, class_names: tuple[str, ...], path: Path) -> Path:
    """Draw the first training images as the model gets them, with the normalisation undone."""
    pixels = denormalize(batch.images[:_SHOWN].float().cpu().numpy(), preprocessing)
    tiles = [
        GalleryTile(image[..., 0] if image.shape[-1] == 1 else image, (class_names[label],))
        for image, label in zip(pixels, batch.labels[:_SHOWN].tolist(), strict=True)
    ]
    return image_gallery(tiles, path, title="The first training images, as the model gets them")


def _memory(device: str) -> int:
    if device == "cuda":
        return int(torch.cuda.max_memory_allocated())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024  # Linux counts kibibytes.
