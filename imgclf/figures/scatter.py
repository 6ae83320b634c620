"""Scatter plots of projections, one colour a class: one map, or several side by side."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib import colormaps
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke

from imgclf.figures.style import PALETTE, picture, shorten

_MOST_NAMED = 30  # more names than this cover the points
_PER_ROW = 3


@dataclass(frozen=True, eq=False)
class PlottedMap:
    """One of several maps: what stands above it, and its points, float (N, 2 or 3)."""

    caption: str
    points: np.ndarray


def map_figure(
    points: np.ndarray, labels: np.ndarray, class_names: Sequence[str], path: Path, title: str = ""
) -> Path:
    """Draw points in the colours of their classes, each class's name in the midst of its points.

    Args:
        points: float (N, 2), or (N, 3) for a picture in perspective.
        labels: int (N,).
        class_names: K names in index order.
        path: the PNG to write.
        title: stands above.

    Returns:
        ``path``.
    """
    with picture(path, height=6.4) as figure:
        axes = _axes(figure, 111, points)
        _points(axes, points, labels, len(class_names), size=6000)
        if len(class_names) <= _MOST_NAMED:
            _names(axes, points, labels, class_names)
        if title:
            axes.set_title(title, loc="left")
    return path


def maps_figure(
    maps: Sequence[PlottedMap], labels: np.ndarray, class_names: Sequence[str], path: Path, title: str = ""
) -> Path:
    """Draw several maps of the same images side by side, in the same colours, with one legend.

    Args:
        maps: at least one.
        labels: int (N,).
        class_names: K names in index order.
        path: the PNG to write.
        title: stands above.

    Returns:
        ``path``.
    """
    columns = min(len(maps), _PER_ROW)
    rows = -(-len(maps) // columns)
    side = 12.0 / columns
    with picture(path, width=12.0, height=rows * side + 1.0) as figure:
        for place, item in enumerate(maps, start=1):
            axes = _axes(figure, (rows, columns, place), item.points)
            _points(axes, item.points, labels, len(class_names), size=9000 / columns**2)
            axes.set_title(item.caption, loc="left")
        if len(class_names) <= _MOST_NAMED:
            marks = [
                Line2D([], [], marker="o", linestyle="", color=class_colour(int(label), len(class_names)))
                for label in np.unique(labels)
            ]
            names = [shorten(class_names[label], 18) for label in np.unique(labels)]
            figure.legend(marks, names, loc="outside lower center", ncols=min(len(names), 10))
        if title:
            figure.suptitle(title, fontsize=12.5, fontweight="bold", x=0.01, ha="left")
    return path


def class_colour(label: int, num_classes: int) -> str:
    """Return the class's colour as ``#rrggbb``: the common palette, or a rainbow where that is too short."""
    if num_classes <= len(PALETTE):
        return PALETTE[label]
    red, green, blue, _ = colormaps["turbo"](0.05 + 0.9 * label / max(num_classes - 1, 1))
    return f"#{int(red * 255):02x}{int(green * 255):02x}{int(blue * 255):02x}"


def _axes(figure: Any, place: Any, points: np.ndarray) -> Any:
    places = place if isinstance(place, tuple) else (place,)
    axes = figure.add_subplot(*places, projection="3d" if points.shape[1] == 3 else None)
    for name in "xyz"[: points.shape[1]]:
        getattr(axes, f"set_{name}ticks")([])
    if points.shape[1] == 2:
        axes.spines[:].set_visible(False)
        axes.set_aspect("equal", adjustable="datalim")
    return axes


def _points(axes: Any, points: np.ndarray, labels: np.ndarray, num_classes: int, size: float) -> None:
    """Draw all points in one go and in their own order: no class covers another."""
    colours = np.array([class_colour(label, num_classes) for label in range(num_classes)])
    size = float(np.clip(size / max(len(points), 1), 2.0, 24.0))
    axes.scatter(*points.T, s=size, c=colours[labels], alpha=0.7, linewidths=0)


def _names(axes: Any, points: np.ndarray, labels: np.ndarray, class_names: Sequence[str]) -> None:
    for label in np.unique(labels):
        middle = np.median(points[labels == label], axis=0)
        axes.text(
            *middle,
            shorten(class_names[label], 18),
            ha="center",
            va="center",
            fontsize=10,
            fontweight="bold",
            color=class_colour(int(label), len(class_names)),
            path_effects=[withStroke(linewidth=3, foreground="white")],
        )
