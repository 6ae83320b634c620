"""A scatter plot of a projection, one colour a class."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib import colormaps

from imgclf.figures.style import PALETTE, picture, shorten

_MOST_NAMED = 30  # a legend of more is longer than the picture


def projection_figure(
    points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], path: Path, title: str = ""
) -> Path:
    """Draw points in the colours of their classes, each class's name at the median of its points.

    Args:
        points: float (N, 2); of three dimensions the first two are drawn.
        labels: int (N,).
        class_names: K names in index order.
        path: the PNG to write.
        title: stands above.

    Returns:
        ``path``.
    """
    with picture(path, height=6.4) as figure:
        axes = figure.add_subplot()
        axes.set_xticks([])
        axes.set_yticks([])
        axes.spines[:].set_visible(False)
        size = float(np.clip(6000 / max(len(points), 1), 2.0, 24.0))
        for label in np.unique(labels):
            members = points[labels == label]
            colour = class_colour(int(label), len(class_names))
            name = shorten(class_names[label], 18)
            axes.scatter(
                members[:, 0], members[:, 1], s=size, color=colour, alpha=0.75, linewidths=0, label=name
            )
            if len(class_names) <= _MOST_NAMED:
                # Above the points, which it would hide.
                x, y = np.median(members[:, 0]), np.percentile(members[:, 1], 98)
                axes.annotate(
                    name,
                    (x, y),
                    (0, 3),
                    textcoords="offset points",
                    ha="center",
                    va="bottom",
                    fontsize=9,
                    fontweight="bold",
                    color=colour,
                )
        if title:
            axes.set_title(title)
    return path


def class_colour(label: int, num_classes: int) -> str:
    """Return the class's colour as ``#rrggbb``: the common palette, or a rainbow where that is too short."""
    if num_classes <= len(PALETTE):
        return PALETTE[label]
    red, green, blue, _ = colormaps["turbo"](0.05 + 0.9 * label / max(num_classes - 1, 1))
    return f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"
