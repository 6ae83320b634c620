"""Settle what the config leaves open: which network, which input, which precision; then build the classifier."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from imgclf.data import Examples, Splits, plan_augmentation, read_image, read_input
from imgclf.errors import ImageError, ModelError
from imgclf.models import Classifier, choose_device, create_classifier
from imgclf.recipes import AugmentConfig, Config, ImageConfig, auto
from imgclf.records import ModelHeader, Preprocessing
from imgclf.training.loop.losses import check_loss
from imgclf.training.loop.probe import last_layer
from imgclf.training.precision import choose_precision
from imgclf.training.run.known_classes import keep_known_classes
from imgclf.training.run.probing import as_probe, check_probe

_IMAGENET_MEAN, _IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_SAMPLE = 64  # images looked at for the data's own size
_STATISTICS_SAMPLE = 2_000  # images measured for mean and standard deviation


@dataclass(frozen=True, eq=False)
class Preparation:
    """A run that is ready to start.

    Attributes:
        config: with nothing left to choose.
        classifier: built, on the CPU.
        header: what the model file will say, apart from results.
        notes: sentences that the user should read.
    """

    config: Config
    classifier: Classifier
    header: ModelHeader
    notes: tuple[str, ...]


def prepare(config: Config, splits: Splits, class_names: tuple[str, ...]) -> Preparation:
    """Choose what is ``auto`` and build the classifier.

    Args:
        config: validated; the recipe with flags laid over it.
        splits: the images; ``train`` is sampled for its size and, if asked for, its mean and deviation.
        class_names: K names in index order.

    Raises:
        ModelError: the network, its arguments or its weights do not fit.
        UsageError: the device is not there.
        ConfigError: the loss or the augmentation does not fit.
    """
    device = choose_device(config.hardware.device)
    check_loss(config.loss, len(class_names), mixing=config.augment.mixes)
    check_probe(config)
    if config.training.probe == "yes":
        config = as_probe(config)
    data_size = typical_size(splits.train)
    name = auto.network(data_size) if config.model.name == "auto" else config.model.name
    torch.manual_seed(config.training.seed)  # of the starting weights
    classifier = _build(config, name, len(class_names), data_size)
    weights = config.model.weights
    known = keep_known_classes(classifier, Path(weights), class_names) if weights else ()
    if config.training.probe == "yes":
        if classifier.pretrained_source is None:
            raise ModelError(
                f"A probe needs a network that has learnt something, and no pretrained weights of {name} are at hand. Take "
                f"another --model, or a file with --weights; without --probe it is trained from scratch."
            )
        last_layer(classifier)
    preprocessing = choose_preprocessing(config.image, classifier, splits.train)
    shape = (preprocessing.channels, *preprocessing.image_size)
    precision, reason = choose_precision(config.hardware.precision, device, classifier, shape)
    resolved = config.model_copy(
        update={
            "model": config.model.model_copy(update={"name": classifier.arch}),
            "image": config.image.model_copy(update={"size": preprocessing.image_size}),
            "optimizer": config.optimizer.model_copy(update={"lr": _learning_rate(config, classifier)}),
            "hardware": config.hardware.model_copy(update={"device": device, "precision": precision}),
        }
    )
    header = ModelHeader(
        arch=classifier.arch,
        arch_args=classifier.arch_args,
        head=classifier.head,
        class_names=class_names,
        preprocessing=preprocessing,
    )
    height, width = preprocessing.image_size
    chosen = f"{name} at {height}x{width} on {device} in {precision} ({reason})."
    notes = (chosen, *classifier.notes, *known, *_other_size_in_training(config.augment, preprocessing))
    return Preparation(resolved, classifier, header, notes)


def choose_preprocessing(image: ImageConfig, classifier: Classifier, train: Examples) -> Preprocessing:
    """Return how images become the input.

    The config decides; what it leaves open, the weights in use decide, and without any the data.

    Args:
        image: the config's section.
        classifier: asked for its image size and for the input of the weights in use.
        train: measured for ``normalize = "dataset"``.
    """
    weights = classifier.input_spec
    fraction, interpolation = image.crop_fraction, str(image.interpolation)
    if fraction == "auto":
        fraction = auto.crop_fraction(weights.crop_fraction if weights else None)
    if interpolation == "auto":
        interpolation = auto.interpolation(weights.interpolation if weights else None)
    channels = _channels(image)
    preprocessing = Preprocessing(
        image_size=classifier.image_size,
        mean=_per_channel(weights.mean if weights else _IMAGENET_MEAN, channels),
        std=_per_channel(weights.std if weights else _IMAGENET_STD, channels),
        resize_mode=image.resize_mode,
        crop_fraction=fraction,
        interpolation=interpolation,
        decoding="reduced",
    )
    return _with_normalization(preprocessing, image.normalize, train)


def typical_size(examples: Examples) -> tuple[int, int]:
    """Return the median (height, width) of a sample of the images that can be read."""
    sizes = []
    for index in _spread(len(examples), _SAMPLE):
        try:
            picture = read_image(examples.images[index], name=examples.files[index])
        except ImageError:
            continue
        sizes.append((picture.height, picture.width))
    if not sizes:
        return (224, 224)  # The loader will say that nothing could be read, and name the files.
    height, width = np.median(np.asarray(sizes), axis=0)
    return int(height), int(width)


def _other_size_in_training(augment: AugmentConfig, preprocessing: Preprocessing) -> tuple[str, ...]:
    """Say so where training sees images of another size than evaluation: rarely meant, and it costs accuracy."""
    last, wanted = plan_augmentation(augment, preprocessing).last_size, preprocessing.image_size
    if last in (None, wanted):
        return ()
    trained, evaluated = (f"{height}x{width}" for height, width in (last, wanted))
    return (
        f"Note: the augmentation ends at {trained} pixels, and the model is evaluated at {evaluated}. Unless that is "
        f"meant, give both one size: --image-size, or the sizes in augment.transforms.",
    )


def _learning_rate(config: Config, classifier: Classifier) -> float:
    """Return the config's rate, or a usual one: pretrained weights want smaller steps than random ones."""
    if config.optimizer.lr != "auto":
        return config.optimizer.lr
    return auto.learning_rate(pretrained=classifier.pretrained_source is not None)


def _build(config: Config, name: str, num_classes: int, data_size: tuple[int, int]) -> Classifier:
    return create_classifier(
        name,
        num_classes,
        pretrained=config.model.pretrained,
        weights=Path(config.model.weights) if config.model.weights else None,
        image_size=_fixed_size(config.image),
        data_size=data_size,
        channels=_channels(config.image),
        head=config.head.model_dump(),
        arch_args=config.model.args,
    )


def _with_normalization(preprocessing: Preprocessing, normalize: str, train: Examples) -> Preprocessing:
    channels = preprocessing.channels
    measured: dict[str, Callable[[], tuple[Any, Any]]] = {
        "auto": lambda: (preprocessing.mean, preprocessing.std),
        "imagenet": lambda: (_per_channel(_IMAGENET_MEAN, channels), _per_channel(_IMAGENET_STD, channels)),
        "none": lambda: ((0.0,) * channels, (1.0,) * channels),
        "dataset": lambda: _measure(preprocessing, train),
    }
    mean, std = measured[normalize]()
    return Preprocessing(
        **{**preprocessing.to_dict(), "image_size": preprocessing.image_size, "mean": mean, "std": std}
    )


def _measure(preprocessing: Preprocessing, train: Examples) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Mean and deviation per channel, in [0, 1], of a sample of training images as the model will see them."""
    sums, squares, pixels = np.zeros(preprocessing.channels), np.zeros(preprocessing.channels), 0
    for index in _spread(len(train), _STATISTICS_SAMPLE):
        try:
            seen, _ = read_input(train.images[index], preprocessing, name=train.files[index])
        except ImageError:
            continue
        values = seen.reshape(-1, preprocessing.channels) / 255.0
        sums, squares, pixels = (
            sums + values.sum(axis=0),
            squares + (values**2).sum(axis=0),
            pixels + len(values),
        )
    mean = sums / max(pixels, 1)
    std = np.sqrt(np.maximum(squares / max(pixels, 1) - mean**2, 1e-6))
    return tuple(mean.round(4).tolist()), tuple(std.round(4).tolist())


def _fixed_size(image: ImageConfig) -> tuple[int, int] | None:
    if image.size == "auto":
        return None
    return (image.size, image.size) if isinstance(image.size, int) else image.size


def _channels(image: ImageConfig) -> int:
    return 3 if image.channels == "auto" else image.channels


def _per_channel(values: tuple[float, ...], channels: int) -> tuple[float, ...]:
    """Keep three values, or average them for grey."""
    return values if len(values) == channels else (round(sum(values) / len(values), 4),) * channels


def _spread(count: int, sample: int) -> np.ndarray:
    """Indices evenly spread over the whole: the first ones alone may all be of one class."""
    return np.unique(np.linspace(0, count - 1, min(count, sample)).astype(np.int64))
