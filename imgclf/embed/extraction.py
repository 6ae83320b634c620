"""Extraction: every image of a split once through the network, its penultimate features kept."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from torch.nn import functional as F

from imgclf.data import Batch, Examples, Loader, LoadingOptions, denormalize, eval_loader
from imgclf.data.loading.cores import cores
from imgclf.embed.sprite import Sprite, make_sprite, thumbnail_size
from imgclf.inference.ordered_map import ordered_map
from imgclf.models import Classifier
from imgclf.records import ModelHeader, OnProgress, Preprocessing, Progress, UnreadableImage

# On a CPU every core holds a batch of its own; a GPU is idle with few images at a time.
_BATCH = {"cpu": 32, "cuda": 512, "mps": 128}


@dataclass(frozen=True, eq=False)
class Extraction:
    """Embeddings of N readable images.

    Attributes:
        embeddings: float32 (N, D).
        examples: the N images, in the same order.
        predictions: int64 (N,), the predicted class, or None without a trained head.
        confidences: float32 (N,), its calibrated probability, or None without a trained head.
        sprite: the images as the network saw them, made small.
        skipped: images that could not be read.
    """

    embeddings: np.ndarray
    examples: Examples
    predictions: np.ndarray | None
    confidences: np.ndarray | None
    sprite: Sprite
    skipped: tuple[UnreadableImage, ...]


class Features(Protocol):
    """Turns normalised images into features, and into logits where there is a trained head."""

    def __call__(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Return features (N, D) and calibrated logits (N, K) or None, for images (N, C, H, W)."""


def trained_features(classifier: Classifier, header: ModelHeader) -> Features:
    """Return the features of a run's model, and its logits; one pass gives both."""

    def features(images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        embeddings = classifier.embed(images)
        return embeddings, classifier.classify(embeddings) / header.temperature

    return features


def backbone_features(classifier: Classifier) -> Features:
    """Return the features of a pretrained backbone, whose head knows nothing of these classes."""
    return lambda images: (classifier.embed(images), None)


def pixel_features() -> Features:
    """Return the pixels themselves: what separates already before anything is learnt."""
    return lambda images: (images.flatten(1), None)


@dataclass(frozen=True, eq=False)
class _Part:
    """What one batch gives, as arrays."""

    embeddings: np.ndarray
    predictions: np.ndarray | None
    confidences: np.ndarray | None
    thumbnails: np.ndarray
    indices: np.ndarray


def extract(
    examples: Examples,
    preprocessing: Preprocessing,
    features: Features,
    device: str = "cpu",
    progress: OnProgress = None,
) -> Extraction:
    """Run all images through ``features``.

    Args:
        examples: the images; those that cannot be read are left out and listed.
        preprocessing: how an image becomes the input.
        features: on ``device``.
        device: ``cpu``, ``cuda`` or ``mps``.
        progress: told how many images are done.
    """
    loader = eval_loader(examples, preprocessing, LoadingOptions(_BATCH[device], device, progress=progress))
    size = thumbnail_size(preprocessing.image_size, len(loader.examples))

    def work(batch: Batch) -> _Part:
        return _of_batch(batch, features, preprocessing, size)

    parts: list[_Part] = []
    done, total = 0, len(loader.examples)
    for part in _computed(loader, work, device):
        parts.append(part)
        done += len(part.embeddings)
        if progress is not None:
            progress(Progress("Extracting features", done, total))
    trained = parts[0].predictions is not None
    # While streaming, an image may turn out to be unreadable only now: the indices say which ones came.
    found = np.concatenate([part.indices for part in parts])
    whole = len(found) == total
    return Extraction(
        embeddings=np.concatenate([part.embeddings for part in parts]),
        examples=loader.examples if whole else loader.examples.select(found),
        predictions=np.concatenate([part.predictions for part in parts]) if trained else None,
        confidences=np.concatenate([part.confidences for part in parts]) if trained else None,
        sprite=make_sprite(np.concatenate([part.thumbnails for part in parts])),
        skipped=tuple(loader.skipped),
    )


def _computed(loader: Loader, work: Callable[[Batch], _Part], device: str) -> Iterator[_Part]:
    """Compute the batches; on a CPU one thread a core, each with its own batch, which beats threads inside a layer."""
    if device != "cpu":
        yield from map(work, loader.epoch(0))
        return
    before = torch.get_num_threads()
    torch.set_num_threads(1)  # the loader too: with every core busy, its threads would wait for each other
    try:
        yield from ordered_map(work, loader.epoch(0), cores(), lambda: torch.set_num_threads(1))
    finally:
        torch.set_num_threads(before)  # a thread's limit is the default of threads to come


@torch.inference_mode()
def _of_batch(
    batch: Batch, features: Features, preprocessing: Preprocessing, thumbnail: tuple[int, int]
) -> _Part:
    vectors, logits = features(batch.images)
    predictions = confidences = None
    if logits is not None:
        highest = logits.float().softmax(dim=1).max(dim=1)
        predictions, confidences = highest.indices.cpu().numpy(), highest.values.cpu().numpy()
    return _Part(
        embeddings=vectors.float().cpu().numpy(),
        predictions=predictions,
        confidences=confidences,
        thumbnails=_thumbnails(batch.images, preprocessing, thumbnail),
        indices=batch.indices.numpy(),
    )


def _thumbnails(images: torch.Tensor, preprocessing: Preprocessing, size: tuple[int, int]) -> np.ndarray:
    """Shrink, then undo the normalisation: the network's input is at hand, reading files again would not be free."""
    small = images.float()
    if tuple(small.shape[2:]) != size:
        small = F.interpolate(small, size=size, mode="area")
    pixels = denormalize(small.cpu().numpy(), preprocessing)
    return np.repeat(pixels, 3, axis=3) if pixels.shape[3] == 1 else pixels
