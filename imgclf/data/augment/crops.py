"""Crops from images of differing size: the places of a whole batch are drawn at once, Pillow cuts and resizes.

Drawing uses a generator of its own and Pillow releases the interpreter lock, so that threads can prepare batches
while the training step runs, without touching torch's global random state.
"""

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from imgclf.data.images.preprocess import resampling_filter

Size = tuple[int, int]

_ATTEMPTS = 10  # as in torchvision


class Crop(Protocol):
    """Draws for each image the part that is taken, and the size it is brought to."""

    @property
    def to(self) -> Size:
        """(height, width) of every result."""

    @property
    def interpolation(self) -> str:
        """The resampling filter's name."""

    def draw(self, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return int64 (N, 4), top, left, height and width inside images of int64 (N, 2) height and width."""


@dataclass(frozen=True)
class ResizedCrop:
    """``v2.RandomResizedCrop`` (Szegedy et al. 2015): a random share of the area at a random aspect ratio."""

    to: Size
    scale: tuple[float, float] = (0.08, 1.0)
    ratio: tuple[float, float] = (3 / 4, 4 / 3)
    interpolation: str = "bilinear"

    def draw(self, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return the first of ten tries that fits, else the largest centred part within the ratio's limits."""
        count = len(sizes)
        rows, columns = sizes[:, :1], sizes[:, 1:]
        area = rows * columns * generator.uniform(*self.scale, (count, _ATTEMPTS))
        ratio = np.exp(
            generator.uniform(math.log(self.ratio[0]), math.log(self.ratio[1]), (count, _ATTEMPTS))
        )
        width = np.rint(np.sqrt(area * ratio)).astype(np.int64)
        height = np.rint(np.sqrt(area / ratio)).astype(np.int64)
        fits = (width > 0) & (width <= columns) & (height > 0) & (height <= rows)
        first = fits.argmax(axis=1)[:, None]
        height, width = (np.take_along_axis(side, first, axis=1)[:, 0] for side in (height, width))
        luck = generator.random((2, count))
        top = (luck[0] * (sizes[:, 0] - height + 1)).astype(np.int64)
        left = (luck[1] * (sizes[:, 1] - width + 1)).astype(np.int64)
        drawn = np.stack([top, left, height, width], axis=1)
        return np.where(fits.any(axis=1)[:, None], drawn, self._fallback(sizes))

    def _fallback(self, sizes: np.ndarray) -> np.ndarray:
        rows, columns = sizes[:, 0], sizes[:, 1]
        ratio = columns / rows
        width = np.where(ratio > self.ratio[1], np.rint(rows * self.ratio[1]), columns).astype(np.int64)
        height = np.where(ratio < self.ratio[0], np.rint(columns / self.ratio[0]), rows).astype(np.int64)
        width, height = width.clip(1, columns), height.clip(1, rows)
        return np.stack([(rows - height) // 2, (columns - width) // 2, height, width], axis=1)


@dataclass(frozen=True)
class PlainCrop:
    """``v2.RandomCrop`` or ``v2.CenterCrop`` from images of differing size; smaller ones are resized."""

    to: Size
    centred: bool = False
    interpolation: str = "bilinear"

    def draw(self, sizes: np.ndarray, generator: np.random.Generator) -> np.ndarray:
        """Return a place of the crop's size in each image."""
        taken = np.minimum(sizes, np.asarray(self.to))
        luck = generator.random(sizes.shape)
        place = (sizes - taken) // 2 if self.centred else (luck * (sizes - taken + 1)).astype(np.int64)
        return np.concatenate([place, taken], axis=1)


def cut(pixels: np.ndarray, box: np.ndarray, crop: Crop) -> np.ndarray:
    """Return uint8 (H', W', C): the box of uint8 (H, W, C), resized to the crop's size."""
    top, left, height, width = (int(number) for number in box)
    part = pixels[top : top + height, left : left + width]
    if (height, width) == crop.to:
        return part
    image = Image.fromarray(np.ascontiguousarray(part[:, :, 0] if part.shape[2] == 1 else part))
    resized = image.resize((crop.to[1], crop.to[0]), resampling_filter(crop.interpolation))
    return np.asarray(resized).reshape(*crop.to, pixels.shape[2])
