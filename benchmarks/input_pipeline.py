"""Images per second that reach the step: our loaders beside what a person would otherwise write.

    python benchmarks/input_pipeline.py --data-dir DATA

``DATA`` holds ``cifar10/train.parquet`` (Hugging Face layout) and ``intel/seg_train/<class>/*.jpg``; what is missing is
left out. The hand-written pipeline is torchvision's: a Dataset that decodes and transforms one image at a time (v2
transforms, in the order that torchvision recommends) under a DataLoader, whose batches go to the device channels_last.
Both sides give float32 batches of the same size with the same augmentation. A first pass that decodes (ours) or starts
workers (theirs) is timed on its own line; the others are the best of ``--repeats`` epochs.
"""

import argparse
import tempfile
import time
from collections.abc import Callable, Iterable
from io import BytesIO
from pathlib import Path
from typing import Any

import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from imgclf.data import Examples, LoadingOptions, eval_loader, open_dataset, train_loader
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
BATCH = 128


class HandWritten(Dataset[Any]):
    """One image at a time: open, decode, transform."""

    def __init__(self, examples: Examples, transform: Callable[[Image.Image], torch.Tensor]) -> None:
        self.examples = examples
        self.transform = transform

    def __len__(self) -> int:
        return len(self.examples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        source, label = self.examples[index]
        image = Image.open(source if isinstance(source, Path) else BytesIO(source)).convert("RGB")
        return self.transform(image), label


def main() -> None:
    """Measure what the data folder offers and print one table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data-dir", type=Path, required=True, help="Folder with cifar10/ and intel/.")
    parser.add_argument("--device", default="cuda" if torch.cuda.is_available() else "cpu")
    parser.add_argument(
        "--workers", type=int, nargs="*", default=[0, 2], help="DataLoader workers of the hand-written."
    )
    parser.add_argument("--threads", type=int, default=1, help="Threads that torch may use on a CPU.")
    parser.add_argument("--limit", type=int, default=10_000, help="Images per epoch at most.")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    print(
        f"device {options.device}, {options.threads} torch threads, batch {BATCH}, best of {options.repeats}\n"
    )
    print(f"{'set':<28}{'pipeline':<44}{'img/s':>10}{'ratio':>8}")
    for folder, measure in (("cifar10", _cifar10), ("intel", _intel)):
        if (options.data_dir / folder).is_dir():
            measure(open_dataset(str(options.data_dir / folder)).splits["train"], options)


def _cifar10(examples: Examples, options: argparse.Namespace) -> None:
    augment = [{"name": "RandomCrop", "size": 32, "padding": 4}, {"name": "RandomHorizontalFlip"}]
    theirs = [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()]
    _compare("CIFAR-10 crop+flip 32x32", examples, (32, 32), augment, theirs, options)


def _intel(examples: Examples, options: argparse.Namespace) -> None:
    augment = [{"name": "RandomResizedCrop", "size": 150}, {"name": "RandomHorizontalFlip"}]
    theirs = [v2.RandomResizedCrop(150), v2.RandomHorizontalFlip()]
    _compare("intel resized crop 150x150", examples, (150, 150), augment, theirs, options)
    affine = {"degrees": 20, "translate": [0.2, 0.2], "scale": [0.8, 1.2], "shear": 11}
    augment = [
        {"name": "Pad", "padding": 30, "padding_mode": "edge"},
        {"name": "RandomAffine", **affine},
        {"name": "CenterCrop", "size": 150},
        {"name": "RandomHorizontalFlip"},
    ]
    theirs = [
        v2.Resize((150, 150)),
        v2.Pad(30, padding_mode="edge"),
        v2.RandomAffine(**affine),
        v2.CenterCrop(150),
        v2.RandomHorizontalFlip(),
    ]
    _compare("intel affine 150x150", examples, (150, 150), augment, theirs, options)


def _compare(
    name: str,
    examples: Examples,
    size: tuple[int, int],
    augment: list[dict[str, Any]],
    theirs: list[v2.Transform],
    options: argparse.Namespace,
) -> None:
    """Print our loader's rates and the hand-written one's."""
    examples = examples.select(torch.randperm(len(examples))[: options.limit].numpy())
    spec = Preprocessing(size, MEAN, STD)
    config = AugmentConfig.model_validate({"transforms": augment})
    with tempfile.TemporaryDirectory() as cache:
        started = time.perf_counter()
        loading = LoadingOptions(BATCH, options.device, cache_dir=Path(cache))
        ours = train_loader(examples, spec, config, loading)
        decoding = len(examples) / (time.perf_counter() - started)
        rate = _best(lambda: (batch.images for batch in ours.epoch(0)), options)
        evaluation = eval_loader(examples, spec, loading)
        seen = _best(lambda: (batch.images for batch in evaluation.epoch(0)), options)
    baseline = {workers: _hand_written(examples, theirs, workers, options) for workers in options.workers}
    best = max(baseline.values())
    _row(name, "imgclf: decoding once", decoding, best)
    _row(name, "imgclf: training epoch", rate, best)
    _row(name, "imgclf: evaluation epoch", seen, best)
    for workers, speed in baseline.items():
        _row(name, f"DataLoader + per-sample v2, {workers} workers", speed, best)


def _hand_written(
    examples: Examples, theirs: list[v2.Transform], workers: int, options: argparse.Namespace
) -> float:
    transform = v2.Compose(
        [v2.ToImage(), *theirs, v2.ToDtype(torch.float32, scale=True), v2.Normalize(list(MEAN), list(STD))]
    )
    loader = DataLoader(
        HandWritten(examples, transform),
        batch_size=BATCH,
        shuffle=True,
        num_workers=workers,
        persistent_workers=workers > 0,
        multiprocessing_context="fork" if workers else None,
    )
    device = options.device
    return _best(
        lambda: (images.to(device, memory_format=torch.channels_last) for images, _ in loader), options
    )


def _best(epoch: Callable[[], Iterable[torch.Tensor]], options: argparse.Namespace) -> float:
    """Return the images per second of the fastest epoch."""
    rates = []
    for _ in range(options.repeats):
        started, count = time.perf_counter(), 0
        for images in epoch():
            count += len(images)
        if options.device == "cuda":
            torch.cuda.synchronize()
        rates.append(count / (time.perf_counter() - started))
    return max(rates)


def _row(name: str, pipeline: str, rate: float, baseline: float) -> None:
    print(f"{name:<28}{pipeline:<44}{rate:>10,.0f}{rate / baseline:>7.1f}x", flush=True)


if __name__ == "__main__":
    main()
