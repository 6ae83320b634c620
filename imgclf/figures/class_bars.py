"""Each class's recall as a bar with its interval, and its precision as a dot."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.ticker import PercentFormatter

from imgclf.figures.style import BLUE, FAINT, INK, ORANGE, picture, shorten

MOST_CLASSES = 40


@dataclass(frozen=True)
class ClassBar:
    """One class: its recall with the ends of its 95 % interval, its precision, and how many images it has."""

    name: str
    recall: float
    low: float
    high: float
    precision: float
    images: int


def class_bars(bars: Sequence[ClassBar], path: Path) -> Path:
    """Draw the classes from the lowest recall to the highest; of more than 40, the 40 lowest.

    Args:
        bars: the classes that the split has; at least one.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    ordered = sorted(bars, key=lambda bar: bar.recall)[:MOST_CLASSES]
    places = range(len(ordered))
    with picture(path, height=1.35 + 0.27 * len(ordered)) as figure:
        axes = figure.add_subplot()
        recalls = [bar.recall for bar in ordered]
        axes.barh(places, recalls, height=0.62, color="#9CC9E8", label="recall")
        whiskers = [
            [max(0.0, bar.recall - bar.low) for bar in ordered],
            [max(0.0, bar.high - bar.recall) for bar in ordered],
        ]
        axes.errorbar(
            recalls,
            places,
            xerr=whiskers,
            fmt="none",
            ecolor=BLUE,
            elinewidth=1.2,
            capsize=2.5,
            label="95 % interval",
        )
        axes.plot(
            [bar.precision for bar in ordered], places, "D", color=ORANGE, markersize=5, label="precision"
        )
        axes.set_yticks(places, [shorten(bar.name, 28) for bar in ordered])
        for place, bar in zip(places, ordered, strict=True):
            axes.text(1.02, place, f"{bar.images:,}", va="center", fontsize=8.5, color=INK)
        axes.text(1.02, -0.95, "images", va="center", fontsize=8.5, color=INK)
        axes.set_ylim(len(ordered) - 0.4, -0.6)
        axes.set_xlim(0, 1.0)
        axes.grid(visible=False, axis="y")
        axes.spines["left"].set_color(FAINT)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        of = f", the {MOST_CLASSES} lowest of {len(bars)}" if len(bars) > MOST_CLASSES else ""
        figure.suptitle(
            f"Recall and precision by class{of}", fontsize=11.5, fontweight="bold", x=0.02, ha="left"
        )
        figure.legend(loc="outside lower center", ncols=3)
    return path
