"""The reliability diagram: is a confidence of 0.9 right nine times in ten?"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.axes import Axes

from imgclf.figures.style import BLUE, GREY, ORANGE, picture


class Bin(Protocol):
    """Images whose confidence is between ``lower`` and ``upper``, with their mean confidence and accuracy."""

    @property
    def lower(self) -> float:
        """Lower edge."""
        ...

    @property
    def upper(self) -> float:
        """Upper edge."""
        ...

    @property
    def count(self) -> int:
        """How many images."""
        ...

    @property
    def confidence(self) -> float:
        """Mean confidence."""
        ...

    @property
    def accuracy(self) -> float:
        """Share of right answers."""
        ...


def reliability_diagram(panels: Mapping[str, Sequence[Bin]], path: Path) -> Path:
    """Draw accuracy against confidence, with the number of images per bin below.

    Args:
        panels: title -> bins; one or two ("Before calibration", "After").
        path: the PNG to write.

    Returns:
        ``path``.
    """
    with picture(path, width=4.2 * max(len(panels), 1) + 0.2, height=4.9) as figure:
        axes = figure.subplots(2, len(panels), squeeze=False, height_ratios=[4, 1], sharex=True)
        for column, (title, bins) in enumerate(panels.items()):
            _shares(axes[0, column], bins)
            axes[0, column].set_title(title)
            _counts(axes[1, column], bins)
        axes[0, 0].set_ylabel("accuracy")
        axes[1, 0].set_ylabel("images")
        handles, labels = axes[0, 0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return path


def _shares(axes: Axes, bins: Sequence[Bin]) -> None:
    filled = [one for one in bins if one.count]
    axes.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1.2)
    centres, width = [(one.lower + one.upper) / 2 for one in filled], 1 / max(len(bins), 1)
    axes.bar(centres, [one.accuracy for one in filled], width * 0.92, color="#9CC9E8", label="accuracy")
    for index, one in enumerate(filled):
        label = "mean confidence" if not index else None
        ends = [one.lower + 0.08 * width, one.upper - 0.08 * width]
        axes.plot(ends, [one.confidence] * 2, color=ORANGE, linewidth=2.2, label=label)
    axes.set(xlim=(0, 1), ylim=(0, 1.02))


def _counts(axes: Axes, bins: Sequence[Bin]) -> None:
    centres, width = [(one.lower + one.upper) / 2 for one in bins], 1 / max(len(bins), 1)
    axes.bar(centres, [one.count for one in bins], width * 0.92, color=BLUE)
    axes.set_xlabel("confidence")
    axes.margins(y=0.12)
