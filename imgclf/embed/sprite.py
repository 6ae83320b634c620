"""Thumbnails of all images in one picture: ten thousand files of their own would take a browser minutes."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

_WIDEST = 4096  # pixels; what a phone's browser still decodes, and half of what TensorBoard's projector takes
_LARGEST = 96
_JPEG_BLOCK = 8  # thumbnails that end inside a block would stain each other


@dataclass(frozen=True)
class Sprite:
    """N thumbnails, row by row, in one JPEG.

    Attributes:
        jpeg: the encoded picture.
        columns: thumbnails in a row.
        size: (height, width) of each, in pixels.
    """

    jpeg: bytes
    columns: int
    size: tuple[int, int]


def thumbnail_size(image_size: tuple[int, int], count: int) -> tuple[int, int]:
    """Return (height, width) at which ``count`` images of ``image_size`` fit into one picture.

    >>> thumbnail_size((224, 224), 10_000)
    (40, 40)
    >>> thumbnail_size((28, 28), 100)
    (28, 28)
    """
    columns = _columns(count)
    most = min(_LARGEST, max(_JPEG_BLOCK, _WIDEST // columns // _JPEG_BLOCK * _JPEG_BLOCK))
    height, width = image_size
    scale = min(1.0, most / max(height, width))
    return max(1, round(height * scale)), max(1, round(width * scale))


def make_sprite(thumbnails: np.ndarray) -> Sprite:
    """Lay uint8 (N, H, W, 3) out in a square."""
    count, height, width = thumbnails.shape[:3]
    columns = _columns(count)
    rows = -(-count // columns)
    grid = np.zeros((rows * columns, height, width, 3), np.uint8)
    grid[:count] = thumbnails
    picture = grid.reshape(rows, columns, height, width, 3).swapaxes(1, 2)
    buffer = io.BytesIO()
    image = Image.fromarray(np.ascontiguousarray(picture).reshape(rows * height, columns * width, 3))
    image.save(buffer, "JPEG", quality=82)
    return Sprite(buffer.getvalue(), columns, (height, width))


def cut_out(sprite: Sprite, indices: Iterable[int], kind: str = "PNG") -> list[bytes]:
    """Return thumbnails as files of their own, PNG or JPEG."""
    whole = Image.open(io.BytesIO(sprite.jpeg))
    height, width = sprite.size
    found = []
    for index in indices:
        row, column = divmod(int(index), sprite.columns)
        buffer = io.BytesIO()
        left, top = column * width, row * height
        whole.crop((left, top, left + width, top + height)).save(buffer, kind)
        found.append(buffer.getvalue())
    return found


def _columns(count: int) -> int:
    return max(1, int(np.ceil(np.sqrt(count))))
