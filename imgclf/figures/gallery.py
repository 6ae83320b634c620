"""Small images in a grid with a line or two under each."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgclf.figures.style import picture, shorten

_SMALL_SIDE = 64


@dataclass(frozen=True, eq=False)
class GalleryTile:
    """An image, uint8 (H, W) or (H, W, 3), with the lines under it."""

    pixels: np.ndarray
    lines: tuple[str, ...]


def image_gallery(tiles: Sequence[GalleryTile], path: Path, *, title: str = "", columns: int = 6) -> Path:
    """Draw the tiles row by row.

    Args:
        tiles: at least one.
        path: the PNG to write.
        title: stands above.
        columns: tiles in a row.

    Returns:
        ``path``.
    """
    asked, columns = columns, max(1, min(columns, len(tiles)))
    rows = -(-len(tiles) // columns)
    lines = max((len(tile.lines) for tile in tiles), default=0)
    # A row is as tall as its tallest image: pairs set side by side need half the height.
    shape = max(tile.pixels.shape[0] / tile.pixels.shape[1] for tile in tiles)
    width = max(8.0 * min(len(tiles), asked) / asked, 4.0)
    tall = width / columns * min(shape, 1.25) + 0.2 * lines
    with picture(path, width=width, height=rows * tall + (0.4 if title else 0.1)) as figure:
        axes = figure.subplots(rows, columns, squeeze=False)
        for place in axes.flat:
            place.set_axis_off()
        for place, tile in zip(axes.flat, tiles, strict=False):
            grey = tile.pixels.ndim == 2
            smooth = "nearest" if max(tile.pixels.shape[:2]) <= _SMALL_SIDE else "antialiased"
            place.imshow(tile.pixels, cmap="gray" if grey else None, vmin=0, vmax=255, interpolation=smooth)
            text = "\n".join(shorten(line, 21) for line in tile.lines)
            place.text(0.5, -0.04, text, transform=place.transAxes, ha="center", va="top", fontsize=8.5)
        if title:
            figure.suptitle(title, fontsize=11.5, fontweight="bold", x=0.02, ha="left")
    return path
