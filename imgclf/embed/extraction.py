"""Extraction: every image of a split once through the network, its penultimate features kept."""

from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgclf.data import Examples, normalize
from imgclf.embed.sprite import Sprite, make_sprite, thumbnail_size
from imgclf.errors import DataError
from imgclf.inference import Batches, NetworkBackend, prepare
from imgclf.records import OnProgress, Preprocessing, Progress, UnreadableImage
from imgclf.task import SINGLE_LABEL

if TYPE_CHECKING:
    from imgclf.models import Classifier

_TELL_EVERY = 16  # images


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


@dataclass(frozen=True, eq=False)
class Features:
    """What turns preprocessed images into features.

    Attributes:
        of: gives features (N, D), and probabilities (N, K) or None without a trained head, for uint8 (N, H, W, C).
        batches: computes them.
    """

    of: Callable[[np.ndarray], tuple[np.ndarray, np.ndarray | None]]
    batches: Batches


def trained_features(backend: NetworkBackend, temperature: float) -> Features:
    """Return the features of a run's model, and its calibrated probabilities; one pass gives both."""

    def of(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        logits, features = backend.logits_and_features(batch)
        return features, SINGLE_LABEL.probabilities(logits, temperature)

    return Features(of, Batches(backend.device, backend.limit_threads))


def backbone_features(classifier: "Classifier", preprocessing: Preprocessing, device: str) -> Features:
    """Return the features of a pretrained backbone, whose head knows nothing of these classes."""
    from imgclf.inference import TorchBackend  # noqa: PLC0415 - torch takes seconds

    backend = TorchBackend(classifier, preprocessing, device)
    return Features(
        lambda batch: (backend.embed(batch), None), Batches(backend.device, backend.limit_threads)
    )


def pixel_features(preprocessing: Preprocessing) -> Features:
    """Return the pixels themselves: what separates already before anything is learnt."""
    return Features(
        lambda batch: (normalize(batch, preprocessing).reshape(len(batch), -1), None),
        Batches("cpu", lambda count: None),
    )


@dataclass(frozen=True, eq=False)
class _Row:
    """What one image gives."""

    embedding: np.ndarray
    probabilities: np.ndarray | None
    thumbnail: np.ndarray


def extract(
    examples: Examples,
    preprocessing: Preprocessing,
    features: Features,
    progress: OnProgress = None,
) -> Extraction:
    """Run all images through ``features``.

    Args:
        examples: the images; those that cannot be read are left out and listed.
        preprocessing: how an image becomes the input.
        features: what computes.
        progress: told how many images are done.

    Raises:
        DataError: not one of them can be read.
    """
    compute = partial(_rows, features, thumbnail_size(preprocessing.image_size, len(examples)))
    rows: list[_Row] = []
    found: list[int] = []
    skipped: list[UnreadableImage] = []
    stream = features.batches.computed(
        range(len(examples)), lambda index, _: prepare(examples.images[index], index, preprocessing), compute
    )
    with closing(stream) as computed:
        for index, (prepared, row) in enumerate(computed):
            if row is None:
                skipped.append(UnreadableImage(examples.files[index], prepared.error or ""))
            else:
                rows.append(row)
                found.append(index)
            if progress is not None and ((index + 1) % _TELL_EVERY == 0 or index + 1 == len(examples)):
                progress(Progress("Extracting features", index + 1, len(examples)))
    if not rows:
        raise DataError(
            f"None of the {len(examples)} images can be read. The first is {skipped[0].file}: {skipped[0].reason}."
        )
    return _extraction(rows, examples.select(found), tuple(skipped))


def _rows(features: Features, thumbnail: tuple[int, int], pixels: list[np.ndarray]) -> list[_Row]:
    vectors, probabilities = features.of(np.stack(pixels))
    given: list[np.ndarray] | list[None] = [None] * len(pixels) if probabilities is None else [*probabilities]
    return [
        _Row(vector, one, _thumbnail(seen, thumbnail))
        for vector, one, seen in zip(vectors, given, pixels, strict=True)
    ]


def _extraction(rows: list[_Row], examples: Examples, skipped: tuple[UnreadableImage, ...]) -> Extraction:
    predictions = confidences = None
    probabilities = [row.probabilities for row in rows if row.probabilities is not None]
    if probabilities:
        every = np.stack(probabilities)
        predictions = SINGLE_LABEL.predicted(every)
        confidences = SINGLE_LABEL.confidence(every).astype(np.float32)
    return Extraction(
        embeddings=np.stack([row.embedding for row in rows]),
        examples=examples,
        predictions=predictions,
        confidences=confidences,
        sprite=make_sprite(np.stack([row.thumbnail for row in rows])),
        skipped=skipped,
    )


def _thumbnail(pixels: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Shrink the network's input, uint8 (H, W, C), to uint8 (h, w, 3): reading files again would not be free."""
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels).convert("RGB")
    if (image.height, image.width) != size:
        image = image.resize((size[1], size[0]), Image.Resampling.BOX)
    return np.asarray(image)
