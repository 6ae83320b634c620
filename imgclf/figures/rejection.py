"""The coverage-risk curve: how the error rate falls when the least sure images are declined."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import PercentFormatter

from imgclf.figures.style import BLUE, GREY, INK, ORANGE, picture


def coverage_risk_figure(
    coverage: np.ndarray,
    risk: np.ndarray,
    path: Path,
    *,
    chosen: tuple[float, float, float] | None = None,
    target: float | None = None,
) -> Path:
    """Draw the error rate among the predicted images against the share predicted.

    Args:
        coverage: (P,), rising, in (0, 1].
        risk: (P,), in [0, 1].
        path: the PNG to write.
        chosen: (threshold, coverage, risk) of the threshold in use, to be marked.
        target: the wanted error rate, drawn as a line.

    Returns:
        ``path``.
    """
    with picture(path, height=3.9) as figure:
        axes = figure.add_subplot()
        axes.plot(coverage, risk, color=BLUE, drawstyle="steps-post", label="error rate of the predictions")
        top = max(float(risk.max(initial=0.0)), target or 0.0, 0.01) * 1.12
        if target is not None:
            axes.axhline(target, color=GREY, linestyle="--", linewidth=1.2, label=f"wanted: {target:.2%}")
        if chosen is not None:
            threshold, at, wrong = chosen
            axes.plot(at, wrong, "o", color=ORANGE, markersize=8, label=_point_text(threshold, at, wrong))
        axes.set(
            xlim=(0, 1.01), ylim=(-0.02 * top, top), xlabel="share of images predicted (the surest first)"
        )
        axes.set_title("Coverage and risk")
        axes.xaxis.set_major_formatter(PercentFormatter(1.0))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
        axes.legend(loc="upper left", labelcolor=INK)
    return path


def _point_text(threshold: float, coverage: float, risk: float) -> str:
    return f"threshold {threshold:.3f}: {coverage:.1%} predicted, {risk:.2%} wrong"
