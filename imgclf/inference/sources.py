"""One source in, its pixels or the reason why there are none out: a neighbour's answer is never possible."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

import numpy as np
from PIL import Image

from imgclf.data import ImageSource, display_name, read_input
from imgclf.errors import ImageError
from imgclf.records import Preprocessing, UnreadableImage

Source: TypeAlias = str | ImageSource | UnreadableImage
"""What can be predicted: a path, an encoded image, a PIL image, or uint8 pixels (H, W) or (H, W, 3).

What a scan of a folder found unreadable passes through, to have its row too.
"""


@dataclass(frozen=True, eq=False)
class Prepared:
    """One source, ready for the model or not.

    Attributes:
        file: its name.
        pixels: uint8 (H, W, C), None with an error.
        error: why it cannot be read, None with pixels.
    """

    file: str
    pixels: np.ndarray | None = None
    error: str | None = None


def prepare(source: Source, index: int, spec: Preprocessing) -> Prepared:
    """Read and preprocess one source; what cannot be read becomes an error, not an exception.

    Args:
        source: a path, an encoded image, a PIL image or an array.
        index: its position among the sources; names what has no name of its own ("image 3").
        spec: the model's preprocessing.
    """
    if isinstance(source, UnreadableImage):
        return Prepared(source.file, error=source.reason)
    name = source_name(source, index)
    image = Path(source) if isinstance(source, str) else source
    try:
        pixels, _ = read_input(image, spec, name=name)
    except ImageError as error:
        return Prepared(name, error=error.reason)
    return Prepared(name, pixels)


def source_name(source: Source, index: int) -> str:
    """Return what a person calls the source: its path as it can be printed, or its position."""
    if isinstance(source, UnreadableImage):
        return source.file
    if isinstance(source, str | Path):
        return display_name(source)
    path = getattr(source, "filename", "")  # PIL keeps the path of an image that it opened from one.
    return display_name(path) if path else f"image {index}"


def as_sources(given: Source | Iterable[Source]) -> Iterator[Source]:
    """Yield the sources; one alone, without a list around it, is meant as a list of one.

    A uint8 array (N, H, W, 3) is N images.
    """
    if isinstance(given, np.ndarray):
        yield from given if given.ndim == 4 else [given]
    elif isinstance(given, str | Path | bytes | Image.Image | UnreadableImage):
        yield given
    else:
        yield from given
