"""Rows of images with a name before each row: samples of a class, or variants of one image."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from imgclf.figures.fonts import names_in_figures
from imgclf.figures.style import WIDTH, picture, shorten

_NAME_WIDTH = 1.25  # inches


def image_rows(rows: Mapping[str, Sequence[np.ndarray]], path: Path, headings: Sequence[str] = ()) -> Path:
    """Draw one row of images per name.

    Args:
        rows: name -> images, uint8 (H, W, 3) each; sizes may differ, rows may be of different lengths.
        path: the PNG to write.
        headings: over the columns.

    Returns:
        ``path``.
    """
    columns = max((len(images) for images in rows.values()), default=1) or 1
    side = (WIDTH - _NAME_WIDTH) / columns
    height = side * max(len(rows), 1) + (0.3 if headings else 0.08)
    with picture(path, height=height) as figure:
        figure.set_layout_engine("none")
        top = 1 - (0.3 / height if headings else 0.04 / height)
        grid = figure.add_gridspec(
            max(len(rows), 1),
            columns,
            left=_NAME_WIDTH / WIDTH,
            right=0.995,
            top=top,
            bottom=0.04 / height,
            wspace=0.04,
            hspace=0.04,
        )
        names = names_in_figures(list(rows))
        for place, (name, images) in enumerate(zip(names, rows.values(), strict=True)):
            first = grid[place, 0].get_position(figure)
            figure.text(
                (_NAME_WIDTH - 0.08) / WIDTH,
                (first.y0 + first.y1) / 2,
                _folded(name),
                ha="right",
                va="center",
                fontsize=9.5,
            )
            for column, image in enumerate(images):
                axes = figure.add_subplot(grid[place, column])
                axes.set_axis_off()
                smoothing = "nearest" if max(image.shape[:2]) < 100 else "antialiased"
                axes.imshow(image, interpolation=smoothing)
                if place == 0 and column < len(headings):
                    axes.set_title(headings[column], fontsize=9, fontweight="normal", loc="center", pad=3)
    return path


def _folded(name: str) -> str:
    """Break a long name into two lines at a space or underscore near its middle."""
    if len(name) <= 15:
        return name
    middle = [place for place, letter in enumerate(name) if letter in " _-/" and 4 <= place <= 15]
    cut = min(middle, key=lambda place: abs(place - len(name) // 2)) + 1 if middle else 0
    return f"{name[:cut].rstrip()}\n{shorten(name[cut:], 15)}" if cut else shorten(name, 15)
