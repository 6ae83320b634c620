"""What is kept of an image when it is decoded: evaluation's view, the image itself, or a first resize of it.

Each preparation is a small frozen value, so that it can be sent to a worker process and be part of a cache key.
"""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from PIL import Image

from imgclf.data.images.preprocess import resampling_filter
from imgclf.data.images.reading import read_image, read_input
from imgclf.data.images.source import ImageSource
from imgclf.records import Preprocessing

Size = tuple[int, int]
"""(height, width) in pixels."""


class Preparation(Protocol):
    """Turns an image into the uint8 pixels that are kept."""

    @property
    def channels(self) -> int:
        """Colour channels of the result: 1 or 3."""

    def size(self, original: Size) -> Size:
        """Return (height, width) of what is kept of an image of this size."""

    def keeps(self, original: Size) -> bool:
        """Say whether an image of this size is kept pixel for pixel."""

    def fixed_size(self) -> Size | None:
        """Return the size that every image gets, or None where it depends on the image."""

    def read(self, source: ImageSource, name: str) -> np.ndarray:
        """Read a source; return uint8 (H, W, C)."""


@dataclass(frozen=True)
class AsEvaluated:
    """The model's own view of an image, as :func:`imgclf.data.images.preprocess.preprocess` cuts it."""

    spec: Preprocessing

    @property
    def channels(self) -> int:
        """Colour channels of the result: 1 or 3."""
        return self.spec.channels

    def size(self, original: Size) -> Size:
        """Return the input size, whatever the image's."""
        return self.spec.image_size

    def keeps(self, original: Size) -> bool:
        """Say whether nothing is resized or cut."""
        whole = self.spec.resize_mode != "crop" or self.spec.crop_fraction == 1.0
        return whole and original == self.spec.image_size

    def fixed_size(self) -> Size | None:
        """Return the input size."""
        return self.spec.image_size

    def read(self, source: ImageSource, name: str) -> np.ndarray:
        """Read a source; return uint8 (H, W, C) of the input size."""
        return read_input(source, self.spec, name=name)[0]


@dataclass(frozen=True)
class AsItIs:
    """The image itself, shrunk only where its shorter side is longer than ``largest``.

    A random crop of a photograph is scaled down to the input size anyway; keeping twelve megapixels of it would
    cost memory and a slow decode in every epoch for detail that the network never sees.
    """

    channels: int
    largest: int

    def size(self, original: Size) -> Size:
        """Return the image's own size, or the shrunk one."""
        shorter = min(original)
        if shorter <= self.largest:
            return original
        height, width = (max(1, round(side * self.largest / shorter)) for side in original)
        return height, width

    def keeps(self, original: Size) -> bool:
        """Say whether the image is small enough to be kept whole."""
        return self.size(original) == original

    def fixed_size(self) -> Size | None:
        """Return None: the size depends on the image."""
        return None

    def read(self, source: ImageSource, name: str) -> np.ndarray:
        """Read a source; return uint8 (H, W, C)."""
        image = read_image(source, channels=self.channels, name=name)
        return _resized(
            image, self.size((image.height, image.width)), self.channels, Image.Resampling.BILINEAR
        )


@dataclass(frozen=True)
class FirstResized:
    """The image after a ``Resize`` that stands first among the transforms: done once, not in every epoch.

    Attributes:
        channels: 1 or 3.
        to: (height, width), or the length of the shorter side.
        interpolation: as in :class:`imgclf.records.Preprocessing`.
    """

    channels: int
    to: Size | int
    interpolation: str = "bilinear"

    def size(self, original: Size) -> Size:
        """Return the size after the resize, rounded as torchvision does."""
        if not isinstance(self.to, int):
            return self.to
        height, width = original
        if width <= height:
            return int(self.to * height / width), self.to
        return self.to, int(self.to * width / height)

    def keeps(self, original: Size) -> bool:
        """Say whether the image has that size already."""
        return self.size(original) == original

    def fixed_size(self) -> Size | None:
        """Return the size where both sides are given."""
        return None if isinstance(self.to, int) else self.to

    def read(self, source: ImageSource, name: str) -> np.ndarray:
        """Read a source; return uint8 (H, W, C)."""
        image = read_image(source, channels=self.channels, name=name)
        size = self.size((image.height, image.width))
        return _resized(image, size, self.channels, resampling_filter(self.interpolation))


def _resized(image: Image.Image, size: Size, channels: int, resample: Image.Resampling) -> np.ndarray:
    height, width = size
    if image.size != (width, height):
        image = image.resize((width, height), resample)
    return np.asarray(image).reshape(height, width, channels)
