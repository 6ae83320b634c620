"""A block of decoded pixels: images of any size behind one another in memory, or in a mapped file."""

from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True, eq=False)
class DecodedImages:
    """Decoded images of equal or differing size.

    Attributes:
        block: uint8 (bytes,), all pixels; an array or a memory map.
        offsets: int64 (N,), where each image begins.
        shapes: int64 (N, 3), height, width and channels of each.
    """

    block: np.ndarray
    offsets: np.ndarray
    shapes: np.ndarray

    @classmethod
    def from_array(cls, pixels: np.ndarray) -> "DecodedImages":
        """Wrap uint8 (N, H, W, C) without a copy (where it is contiguous)."""
        count = len(pixels)
        shapes = np.tile(np.asarray(pixels.shape[1:], dtype=np.int64), (count, 1))
        size = int(np.prod(pixels.shape[1:]))
        return cls(np.ascontiguousarray(pixels).reshape(-1), np.arange(count, dtype=np.int64) * size, shapes)

    def __reduce__(self) -> tuple[Any, tuple[Any, ...]]:
        """Travel to another process by the name of the mapped file where there is one: it may hold gigabytes."""
        if isinstance(self.block, np.memmap) and self.block.filename is not None:
            file = (str(self.block.filename), self.block.offset, len(self.block))
            return _mapped_again, (file, self.offsets, self.shapes)
        return DecodedImages, (self.block, self.offsets, self.shapes)

    def __len__(self) -> int:
        return len(self.offsets)

    def __getitem__(self, index: int) -> np.ndarray:
        """Return uint8 (H, W, C), a view."""
        height, width, channels = self.shapes[index]
        start = self.offsets[index]
        return self.block[start : start + height * width * channels].reshape(height, width, channels)

    @property
    def array(self) -> np.ndarray:
        """The pixels as uint8 (N, H, W, C), a view; only where all have one size and follow one another without a gap."""
        height, width, channels = self.shapes[0]
        start = self.offsets[0]
        pixels = self.block[start : start + len(self) * height * width * channels]
        return pixels.reshape(len(self), height, width, channels)

    def without_gaps(self) -> "DecodedImages":
        """Close the gaps that unreadable images left, in place."""
        sizes = self.shapes.prod(axis=1)
        offsets = np.concatenate([[0], sizes.cumsum()[:-1]]).astype(np.int64) if len(self) else self.offsets
        for new, old, size in zip(offsets, self.offsets, sizes, strict=True):
            if new != old:
                self.block[new : new + size] = self.block[old : old + size]
        return DecodedImages(self.block[: int(sizes.sum())], offsets, self.shapes)


def _mapped_again(file: tuple[str, int, int], offsets: np.ndarray, shapes: np.ndarray) -> DecodedImages:
    name, start, size = file
    block = np.memmap(name, dtype=np.uint8, mode="c", offset=start, shape=(size,))
    return DecodedImages(block, offsets, shapes)
