"""How many images each class has, split by split."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from imgclf.figures.fonts import names_in_figures
from imgclf.figures.style import PALETTE, picture, shorten

_MOST_NAMED = 40


def class_counts(counts: Mapping[str, Mapping[str, int]], path: Path) -> Path:
    """Draw a bar per class and split; above forty classes a sorted curve per split.

    Args:
        counts: split -> class name -> images; every split has the same classes in the same order.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    names = list(next(iter(counts.values()), {}))
    many = len(names) > _MOST_NAMED
    with picture(path, height=3.8 if many else max(2.2, 0.36 * len(names) + 1.1)) as figure:
        axes = figure.subplots()
        if many:
            _curves(axes, counts)
        else:
            _bars(axes, counts, names)
        axes.set_title("Images per class")
        axes.legend(loc="upper right" if many else "best")
    return path


def _bars(axes: Axes, counts: Mapping[str, Mapping[str, int]], names: list[str]) -> None:
    thickness = 0.8 / max(len(counts), 1)
    highest = max((value for split in counts.values() for value in split.values()), default=1)
    for place, (split, values) in enumerate(counts.items()):
        y = np.arange(len(names)) + (place - (len(counts) - 1) / 2) * thickness
        bars = axes.barh(y, list(values.values()), thickness * 0.92, color=PALETTE[place], label=split)
        axes.bar_label(bars, fmt="{:,.0f}", padding=3, fontsize=8.5)
    axes.set_yticks(range(len(names)), [shorten(name, 26) for name in names_in_figures(names)])
    axes.set_xlim(0, max(highest, 1) * 1.24)
    axes.invert_yaxis()
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("images")


def _curves(axes: Axes, counts: Mapping[str, Mapping[str, int]]) -> None:
    for place, (split, values) in enumerate(counts.items()):
        axes.plot(sorted(values.values(), reverse=True), color=PALETTE[place], label=split)
    axes.set_xlabel(f"classes, the most frequent first ({len(next(iter(counts.values()))):,} in all)")
    axes.set_ylabel("images")
    axes.set_ylim(bottom=0)
