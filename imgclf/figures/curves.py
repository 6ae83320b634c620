"""Training curves: what the loss, the accuracy and the learning rate did over the epochs."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from imgclf.figures.style import BLUE, GREY, INK, ORANGE, picture


def training_curves(rows: Sequence[Mapping[str, float]], path: Path) -> Path:
    """Draw loss and accuracy of ``train`` and ``val``, and the learning rate, against the epoch.

    Args:
        rows: the rows of ``history.csv``: at least ``epoch, train_loss, train_accuracy, val_loss, val_accuracy,
            lr``. A single row is drawn as points; NaN leaves a gap.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    with picture(path, height=4.6) as figure:
        grid = figure.add_gridspec(2, 2, height_ratios=[4, 1.25])
        loss, accuracy = figure.add_subplot(grid[0, 0]), figure.add_subplot(grid[0, 1])
        rate = figure.add_subplot(grid[1, :])
        _pair(loss, rows, "loss")
        _pair(accuracy, rows, "accuracy")
        accuracy.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=None))
        _mark_best(accuracy, rows)
        loss.legend(loc="best")
        epochs = [row["epoch"] for row in rows]
        rate.plot(epochs, [row["lr"] for row in rows], color=GREY, marker=_marker(rows))
        rate.set_title("Learning rate", fontsize=10)
        rate.set_xlabel("epoch")
        for axes in (loss, accuracy, rate):
            axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
            axes.set_xlim(min(epochs) - 0.5, max(epochs) + 0.5)
    return path


def _pair(axes: Axes, rows: Sequence[Mapping[str, float]], quantity: str) -> None:
    epochs = [row["epoch"] for row in rows]
    for split, colour, line in (("train", BLUE, "--"), ("val", ORANGE, "-")):
        values = [row[f"{split}_{quantity}"] for row in rows]
        axes.plot(epochs, values, line, color=colour, label=split, marker=_marker(rows))
    axes.set_title(quantity.capitalize())


def _mark_best(axes: Axes, rows: Sequence[Mapping[str, float]]) -> None:
    """Ring the epoch with the highest validation accuracy and say its value."""
    known = [row for row in rows if row["val_accuracy"] == row["val_accuracy"]]
    if not known:
        return
    best = max(known, key=lambda row: row["val_accuracy"])
    axes.plot(
        best["epoch"], best["val_accuracy"], "o", markersize=9, markerfacecolor="none", markeredgecolor=INK
    )
    axes.annotate(
        f"best {best['val_accuracy']:.1%}, epoch {best['epoch']:.0f}",
        (0.97, 0.05),
        xycoords="axes fraction",
        ha="right",
        fontsize=9.5,
    )


def _marker(rows: Sequence[Mapping[str, float]]) -> str:
    return "o" if len(rows) <= 30 else ""
