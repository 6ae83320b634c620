"""How large the images are, and how long for their width."""

from pathlib import Path

import numpy as np
from matplotlib.ticker import FuncFormatter

from imgclf.figures.style import BLUE, GREY, ORANGE, picture

_MOST_POINTS = 20_000
_FAR_APART = 20  # times: beyond it, a linear scale would crowd all but the largest in a corner


def image_sizes(widths: np.ndarray, heights: np.ndarray, path: Path) -> Path:
    """Draw width against height, and the histogram of aspect ratios.

    Args:
        widths: int (N,), pixels.
        heights: int (N,), pixels.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    sizes, counts = np.unique(np.stack([widths, heights]), axis=1, return_counts=True)
    with picture(path, height=3.7) as figure:
        plane, ratio = figure.subplots(1, 2, width_ratios=[1, 1.15])
        shown = slice(None, None, max(1, sizes.shape[1] // _MOST_POINTS))
        area = 12 + 160 * counts[shown] / counts.max()
        plane.scatter(sizes[0, shown], sizes[1, shown], s=area, color=BLUE, alpha=0.55, linewidth=0)
        longest, shortest = float(sizes.max()), float(sizes.min())
        limits = (0.0, longest * 1.08)
        if longest > _FAR_APART * shortest:
            plane.set(xscale="log", yscale="log")
            limits = (shortest / 1.5, longest * 1.5)
        plane.plot(limits, limits, color=GREY, linewidth=0.8, linestyle=":")
        plane.set(xlim=limits, ylim=limits, aspect="equal", xlabel="width (pixels)")
        plane.set_ylabel("height (pixels)")
        for axis in (plane.xaxis, plane.yaxis):
            axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,g}"))
        plane.set_title("Sizes (area of a dot: how many)")
        aspects = np.clip(widths / heights, 0.1, 10)
        low, high = min(float(aspects.min()), 0.5) / 1.05, max(float(aspects.max()), 2.0) * 1.05
        ratio.hist(aspects, bins=np.geomspace(low, high, 41).tolist(), color=ORANGE)
        ratio.set_xscale("log")
        ticks = [tick for tick in (0.1, 0.2, 0.33, 0.5, 0.75, 1, 1.33, 2, 3, 5, 10) if low <= tick <= high]
        ratio.set_xticks(ticks)
        ratio.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        ratio.minorticks_off()
        ratio.set_yscale("symlog", linthresh=10)
        ratio.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        ratio.set_title("Aspect ratio (width / height)")
        ratio.set_ylabel("images")
    return path
