"""Extraction: every image of a split once through the network, its penultimate features kept."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import torch
from PIL import Image

from imgclf.data import Examples, eval_loader
from imgclf.models import Classifier
from imgclf.records import ModelHeader, Preprocessing, Progress, UnreadableImage

_BATCH = 64
_THUMBNAIL = 32


@dataclass(frozen=True, eq=False)
class Extraction:
    """Embeddings of N readable images.

    Attributes:
        embeddings: float32 (N, D).
        examples: the N images, in the same order.
        predictions: int64 (N,), the predicted class, or None without a trained head.
        confidences: float32 (N,), its calibrated probability, or None without a trained head.
        thumbnails: uint8 (N, 32, 32, 3), the images as the network saw them, made small.
        skipped: images that could not be read.
    """

    embeddings: np.ndarray
    examples: Examples
    predictions: np.ndarray | None
    confidences: np.ndarray | None
    thumbnails: np.ndarray
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


def extract(
    examples: Examples,
    preprocessing: Preprocessing,
    features: Features,
    device: str = "cpu",
    progress: Callable[[Progress], None] | None = None,
) -> Extraction:
    """Run all images through ``features``.

    Args:
        examples: the images; those that cannot be read are left out and listed.
        preprocessing: how an image becomes the input.
        features: on ``device``.
        device: ``cpu``, ``cuda`` or ``mps``.
        progress: told how many images are done.
    """
    loader = eval_loader(examples, preprocessing, batch_size=_BATCH, device=device, progress=progress)
    total, done = len(loader.examples), 0
    embeddings, predictions, confidences, thumbnails = [], [], [], []
    with torch.inference_mode():
        for batch in loader.epoch(0):
            vectors, logits = features(batch.images)
            embeddings.append(vectors.float().cpu().numpy())
            if logits is not None:
                highest = logits.float().softmax(dim=1).max(dim=1)
                predictions.append(highest.indices.cpu().numpy())
                confidences.append(highest.values.cpu().numpy())
            thumbnails.append(_thumbnails(batch.images, preprocessing))
            done += len(batch.labels)
            if progress is not None:
                progress(Progress("Extracting features", done, total))
    return Extraction(
        embeddings=np.concatenate(embeddings),
        examples=loader.examples,
        predictions=np.concatenate(predictions) if predictions else None,
        confidences=np.concatenate(confidences) if confidences else None,
        thumbnails=np.concatenate(thumbnails),
        skipped=tuple(loader.skipped),
    )


def _thumbnails(images: torch.Tensor, preprocessing: Preprocessing) -> np.ndarray:
    """Undo the normalisation and shrink: the network's input is at hand, reading the files again would not be free."""
    values = images.float().cpu().permute(0, 2, 3, 1).numpy()
    pixels = (values * np.asarray(preprocessing.std) + np.asarray(preprocessing.mean)) * 255
    whole = pixels.clip(0, 255).round().astype(np.uint8)
    small = [
        Image.fromarray(image.squeeze()).convert("RGB").resize((_THUMBNAIL, _THUMBNAIL)) for image in whole
    ]
    return np.stack([np.asarray(image) for image in small])
