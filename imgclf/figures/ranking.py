"""ROC and precision-recall curves, one class against the rest."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from imgclf.figures.style import FAINT, GREY, PALETTE, picture, shorten

NAMED = 10  # classes that get a colour and a name; of more, the ones ranked worst


@dataclass(frozen=True, eq=False)
class RankingCurve:
    """The curves of one class; rates, precision and recall are (P,) each, in [0, 1]."""

    name: str
    false_rate: np.ndarray
    true_rate: np.ndarray
    recall: np.ndarray
    precision: np.ndarray
    auroc: float
    average_precision: float


def ranking_curves(curves: Sequence[RankingCurve], path: Path) -> Path:
    """Draw the ROC curve (left) and the precision-recall curve (right) of every class.

    Args:
        curves: the classes for which both are defined; at least one. Up to ten are named, in their order; of more,
            the ten with the lowest average precision are, and the others are thin grey lines.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    worst = sorted(curves, key=lambda curve: curve.average_precision)[:NAMED]
    named = list(curves) if len(curves) <= NAMED else worst
    others = [curve for curve in curves if curve not in named]
    rows = -(-len(named) // 2)
    with picture(path, height=4.2 + 0.22 * rows) as figure:
        roc, recall = figure.subplots(1, 2)
        for curve in others[:200]:
            _lines(roc, recall, curve, "#C9D0D9", 0.6)
        for curve, colour in zip(named, PALETTE, strict=False):
            _lines(roc, recall, curve, colour, 1.6, _label(curve))
        roc.plot([0, 1], [0, 1], ":", color=GREY, linewidth=1)
        _frame(roc, "ROC", "false positive rate", "true positive rate")
        _frame(recall, "Precision-recall", "recall", "precision")
        handles, labels = roc.get_legend_handles_labels()
        title = None if not others else f"the {NAMED} lowest of {len(curves)} classes; the others in grey"
        figure.legend(handles, labels, loc="outside lower center", ncols=2, title=title, fontsize=9)
    return path


def _lines(
    roc: Axes, recall: Axes, curve: RankingCurve, colour: str, width: float, label: str | None = None
) -> None:
    # A step for a step: a straight line between two points of a precision-recall curve would flatter it.
    roc.plot(*_thin(curve.false_rate, curve.true_rate), color=colour, linewidth=width, label=label)
    points = _thin(np.append(0.0, curve.recall), np.append(curve.precision[:1], curve.precision))
    recall.step(*points, where="pre", color=colour, linewidth=width)


def _thin(x: np.ndarray, y: np.ndarray, most: int = 1000) -> tuple[np.ndarray, np.ndarray]:
    """Keep at most a thousand points: more than the picture has pixels."""
    if len(x) <= most:
        return x, y
    kept = np.unique(np.linspace(0, len(x) - 1, most).round().astype(int))
    return x[kept], y[kept]


def _label(curve: RankingCurve) -> str:
    return f"{shorten(curve.name, 24)}: AUROC {curve.auroc:.3f}, AP {curve.average_precision:.3f}"


def _frame(axes: Axes, title: str, below: str, left: str) -> None:
    axes.set(xlim=(-0.01, 1.01), ylim=(-0.01, 1.02), aspect="equal", xlabel=below, ylabel=left)
    axes.set_title(title)
    axes.spines[["left", "bottom"]].set_color(FAINT)
