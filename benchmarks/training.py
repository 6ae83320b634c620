"""How near training comes to what the machine can do, and to what a person would otherwise write.

Four ways to train the same network on the same images, in turn, in one process:

* ``ceiling``: a bare loop over one resident batch in the precision and memory format that we choose: no data,
  no augmentation, no bookkeeping. Nothing that trains this network on this machine can be faster.
* ``imgclf``: the real loop with its loaders, augmentation and meters.
* ``by hand``: torchvision's DataLoader with per-sample transforms and a plain fp32 loop, as tutorials write it.
* ``fastai``: its vision learner on the same network, if it is installed.

Each is timed for a number of steps in every round; the medians over the rounds and their ratios are printed.

    python benchmarks/training.py cifar10 --data-dir DIR
    python benchmarks/training.py intel --data-dir DIR
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from lightning_fabric import Fabric
from torch.nn import functional as F
from torch.utils.data import DataLoader
from torch.utils.data import Dataset as TorchDataset
from torchvision.transforms import v2

from imgclf.data import Examples, Splits, make_splits, open_dataset, read_image
from imgclf.models import Classifier, create_classifier
from imgclf.recipes import Config
from imgclf.records import ModelHeader
from imgclf.runs import Run
from imgclf.training.precision import fabric_precision
from imgclf.training.reporter import SilentReporter
from imgclf.training.run.preparation import prepare
from imgclf.training.run.work import Job, make_loaders, make_trainer

Step = Callable[[], int]


@dataclass(frozen=True)
class Case:
    """One dataset, network and augmentation, in our words and in torchvision's."""

    config: Config
    transforms: list[Any]


def cifar10() -> Case:
    """ResNet-9 at 32x32: pad-and-crop, flip."""
    config = {
        "data": {"dataset": "cifar10"},
        "model": {"name": "resnet9"},
        "augment": {
            "transforms": [
                {"name": "RandomCrop", "size": 32, "padding": 4},
                {"name": "RandomHorizontalFlip"},
            ]
        },
        "training": {"batch_size": 256},
    }
    return Case(Config.model_validate(config), [v2.RandomCrop(32, padding=4), v2.RandomHorizontalFlip()])


def intel() -> Case:
    """MobileNetV2 at 150x150: random resized crop, flip."""
    config = {
        "data": {"dataset": "intel"},
        "model": {"name": "mobilenetv2_100", "pretrained": "no"},
        "image": {"size": 150},
        "augment": {
            "transforms": [
                {"name": "RandomResizedCrop", "size": 150},
                {"name": "RandomHorizontalFlip"},
            ]
        },
        "training": {"batch_size": 32},
    }
    return Case(Config.model_validate(config), [v2.RandomResizedCrop(150), v2.RandomHorizontalFlip()])


CASES = {"cifar10": cifar10, "intel": intel}


def main() -> None:
    """Time every way in turn and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("case", choices=CASES)
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--steps", type=int, default=12)
    arguments = parser.parse_args()
    case = CASES[arguments.case]()
    dataset = open_dataset(case.config.data.dataset, arguments.data_dir)
    splits = make_splits(dataset)
    preparation = prepare(case.config, splits, dataset.class_names)
    print(preparation.notes[0], f"{torch.get_num_threads()} threads, torch {torch.__version__}")
    ways = {
        "ceiling": ceiling(preparation.classifier, preparation.header, preparation.config),
        "imgclf": ours(preparation.config, splits, preparation.header),
        "by hand": by_hand(case, splits.train, preparation.header),
        "fastai": with_fastai(case, splits.train, preparation.header),
    }
    ways = {name: step for name, step in ways.items() if step is not None}
    rates = measure(ways, arguments.rounds, arguments.steps)
    show(rates)


def measure(ways: dict[str, Step], rounds: int, steps: int) -> dict[str, list[float]]:
    """Return images per second of each way in each round; the first two steps of a way are not counted."""
    for step in ways.values():
        for _ in range(2):
            step()
    rates: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(rounds):
        for name, step in ways.items():
            started = time.perf_counter()
            images = sum(step() for _ in range(steps))
            rates[name].append(images / (time.perf_counter() - started))
    return rates


def show(rates: dict[str, list[float]]) -> None:
    """Print medians, ranges, and the median of the ratios within each round."""
    print(f"{'':10}{'img/s':>8}{'min':>8}{'max':>8}{'imgclf / this':>16}")
    for name, values in rates.items():
        ratio = statistics.median(ours / other for ours, other in zip(rates["imgclf"], values, strict=True))
        print(f"{name:10}{statistics.median(values):8.0f}{min(values):8.0f}{max(values):8.0f}{ratio:16.2f}")


def ceiling(classifier: Classifier, header: ModelHeader, config: Config) -> Step:
    """A bare step on one resident batch, with the optimiser of the config."""
    network = _again(classifier, header).to(memory_format=torch.channels_last).train()
    preprocessing, size = header.preprocessing, config.training.batch_size
    images = torch.randn(size, preprocessing.channels, *preprocessing.image_size)
    images = images.to(memory_format=torch.channels_last)
    labels = torch.randint(0, len(header.class_names), (size,))
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    bf16 = config.hardware.precision == "bf16"

    def step() -> int:
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
            logits = network(images)
        F.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        return size

    return step


def ours(config: Config, splits: Splits, header: ModelHeader) -> Step:
    """A step of the real loop; a new epoch begins when one is over."""
    fabric = Fabric(accelerator="cpu", devices=1, precision=fabric_precision(config.hardware.precision))
    classifier = create_classifier(
        header.arch, len(header.class_names), pretrained="no", image_size=header.preprocessing.image_size
    )
    job = Job(Run(Path()), config, header, classifier)
    loaders = make_loaders(fabric, SilentReporter(), job, splits)
    trainer = make_trainer(fabric, SilentReporter(), job, loaders)
    steps = _endless(lambda: trainer.probe_steps(len(loaders.train)))

    def step() -> int:
        next(steps)
        return config.training.batch_size

    return step


def by_hand(case: Case, examples: Examples, header: ModelHeader) -> Step:
    """DataLoader, per-sample transforms, fp32."""
    preprocessing, size = header.preprocessing, case.config.training.batch_size
    transform = v2.Compose(
        [
            v2.ToImage(),
            *case.transforms,
            v2.ToDtype(torch.float32, scale=True),
            v2.Normalize(preprocessing.mean, preprocessing.std),
        ]
    )
    workers = max(1, (os.cpu_count() or 2) - 1)
    loader = DataLoader(
        _Pictures(examples, transform),
        size,
        shuffle=True,
        num_workers=workers,
        drop_last=True,
        persistent_workers=True,
    )
    network = create_classifier(
        header.arch, len(header.class_names), pretrained="no", image_size=preprocessing.image_size
    ).train()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-4)
    batches = _endless(lambda: iter(loader))

    def step() -> int:
        images, labels = next(batches)
        F.cross_entropy(network(images), labels).backward()
        optimizer.step()
        optimizer.zero_grad()
        return len(labels)

    return step


def with_fastai(case: Case, examples: Examples, header: ModelHeader) -> Step | None:
    """A step of fastai's learner with its own item and batch transforms; None where it is not installed."""
    try:
        from fastai.vision.all import (
            CategoryBlock,
            CrossEntropyLossFlat,
            DataBlock,
            Flip,
            ImageBlock,
            Learner,
            Normalize,
            PILImage,
            RandomCrop,
            RandomResizedCrop,
            RandomSplitter,
        )
    except ImportError as error:
        print(f"fastai is left out: {error}")
        return None
    preprocessing, size = header.preprocessing, case.config.training.batch_size
    side = preprocessing.image_size[0]
    crop = RandomCrop(side) if side == 32 else RandomResizedCrop(side)
    block = DataBlock(
        blocks=(ImageBlock, CategoryBlock(vocab=list(range(len(header.class_names))))),
        get_x=lambda index: PILImage.create(np.asarray(read_image(examples.images[index]))),
        get_y=lambda index: int(examples.labels[index]),
        splitter=RandomSplitter(0.01, seed=0),
        item_tfms=crop,
        batch_tfms=[Flip(), Normalize.from_stats(preprocessing.mean, preprocessing.std)],
    )
    data = block.dataloaders(list(range(len(examples))), bs=size, num_workers=1)
    network = create_classifier(
        header.arch, len(header.class_names), pretrained="no", image_size=preprocessing.image_size
    )
    learner = Learner(data, network, loss_func=CrossEntropyLossFlat())
    learner.create_opt()
    learner.model.train()
    batches = _endless(lambda: iter(data.train))

    def step() -> int:
        images, labels = next(batches)
        loss = learner.loss_func(learner.model(images), labels)
        loss.backward()
        learner.opt.step()
        learner.opt.zero_grad()
        return len(labels)

    return step


class _Pictures(TorchDataset[Any]):
    """Decode, transform, return: what a tutorial's dataset does."""

    def __init__(self, examples: Examples, transform: Any) -> None:
        self._examples, self._transform = examples, transform

    def __len__(self) -> int:
        return len(self._examples)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        source, label = self._examples[index]
        return self._transform(read_image(source)), label


def _again(classifier: Classifier, header: ModelHeader) -> Classifier:
    return create_classifier(
        classifier.arch, len(header.class_names), pretrained="no", image_size=header.preprocessing.image_size
    )


def _endless(start: Callable[[], Iterator[Any]]) -> Iterator[Any]:
    while True:
        yield from start()


if __name__ == "__main__":
    main()
