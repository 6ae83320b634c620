"""A search for hyper-parameters: what its trials came to, in order and by each setting."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullFormatter, PercentFormatter

from imgclf.figures.style import BLUE, GREEN, GREY, ORANGE, picture, shorten
from imgclf.task import is_loss

_LABEL = 12  # characters of a value under an axis
_LEAST_REACH = 0.02  # of the middle value: smaller differences are not blown up to fill the picture

Scale = Literal["linear", "log", "choice"]


@dataclass(frozen=True)
class SearchPoint:
    """A trial: its number, whether it is ``finished``, ``pruned`` or ``failed``, its metric, its settings."""

    number: int
    state: str
    value: float | None
    params: Mapping[str, Any] = field(default_factory=dict)


def search_history(
    points: Sequence[SearchPoint], importances: Mapping[str, float], metric: str, path: Path
) -> Path:
    """Draw the metric of every trial in order with the best so far, and which setting made the difference.

    Args:
        points: the trials, in order; trial 0 is the recipe as it is.
        importances: setting -> share in [0, 1], the largest first; without any, that half is left out.
        metric: a column of the history; one that ends in ``loss`` is better when smaller.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    with picture(path, height=3.9) as figure:
        if importances:
            grid = figure.add_gridspec(1, 2, width_ratios=[1.7, 1])
            _draw_importances(figure.add_subplot(grid[0, 1]), importances)
            axes = figure.add_subplot(grid[0, 0])
        else:
            axes = figure.add_subplot()
        _draw_history(axes, points, metric)
        handles, labels = axes.get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside lower center", ncols=len(labels))
    return path


def search_parameters(
    points: Sequence[SearchPoint], scales: Mapping[str, Scale], metric: str, path: Path
) -> Path:
    """Draw the metric against each setting, one small picture a setting.

    Args:
        points: the trials; those without the setting or without a metric are left out.
        scales: the settings, the most important first, each with its axis: ``linear``, ``log`` or ``choice``.
        metric: a column of the history.
        path: the PNG to write.

    Returns:
        ``path``.
    """
    columns = min(3, len(scales))
    rows = -(-len(scales) // columns)
    limits = _limits(points, metric)
    with picture(path, height=0.4 + 2.4 * rows) as figure:
        for place, (key, scale) in enumerate(scales.items()):
            axes = figure.add_subplot(rows, columns, place + 1)
            _draw_setting(axes, points, key, scale, limits)
            _style_metric(axes, metric, limits)
            axes.tick_params(labelsize=9, labelleft=place % columns == 0)
            axes.set_title(shorten(key, 24), fontsize=10)
        figure.suptitle(
            f"{_name(metric).capitalize()} by setting", fontsize=11.5, fontweight="bold", x=0.02, ha="left"
        )
    return path


def _draw_history(axes: Axes, points: Sequence[SearchPoint], metric: str) -> None:
    low, high = limits = _limits(points, metric)
    for state, style in _STYLES.items():
        shown = [point for point in points if point.state == state and point.value is not None]
        axes.plot(
            [point.number for point in shown], _clipped(shown, limits), linestyle="", label=state, **style
        )
    failed = [point.number for point in points if point.state == "failed"]
    if failed:
        worst = high if is_loss(metric) else low
        axes.plot(
            failed, [worst] * len(failed), "x", color=ORANGE, markersize=7, label="failed", clip_on=False
        )
    numbers, best = _best_so_far(points, metric)
    axes.step(numbers, best, where="post", color=GREEN, label="best so far")
    if points[0].state == "finished" and points[0].value is not None:
        axes.axhline(points[0].value, color=GREY, linewidth=1.0, linestyle="--", label="recipe as it is")
    _style_metric(axes, metric, limits)
    axes.set_xlim(-0.7, max(len(points), 2) - 0.3)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_xlabel("trial")
    axes.set_title(_name(metric).capitalize())


_STYLES: dict[str, dict[str, Any]] = {
    "finished": {"marker": "o", "color": BLUE, "markersize": 6},
    "pruned": {
        "marker": "o",
        "markersize": 5.5,
        "markerfacecolor": "white",
        "markeredgecolor": GREY,
        "color": GREY,
    },
}


def _draw_importances(axes: Axes, importances: Mapping[str, float]) -> None:
    names = list(importances)
    places = range(len(names))
    axes.barh(places, list(importances.values()), color="#9CC9E8", height=0.55)
    for place, name in zip(places, names, strict=True):
        axes.text(0.0, place - 0.33, f"{shorten(name, 26)}  {importances[name]:.0%}", va="bottom", fontsize=9)
    axes.set_ylim(len(names) - 0.55, -0.95)
    axes.set_yticks([])
    axes.set_xlim(0, 1)
    axes.xaxis.set_major_formatter(PercentFormatter(1.0))
    axes.spines["left"].set_visible(False)
    axes.grid(visible=False, axis="y")
    axes.set_title("What made the difference")


def _draw_setting(
    axes: Axes, points: Sequence[SearchPoint], key: str, scale: Scale, limits: tuple[float, float]
) -> None:
    having = [point for point in points if key in point.params and point.value is not None]
    values = [point.params[key] for point in having]
    places = _choices(axes, values) if scale == "choice" else values
    for state, style in _STYLES.items():
        shown = [(place, point) for place, point in zip(places, having, strict=True) if point.state == state]
        heights = _clipped([point for _, point in shown], limits)
        axes.plot([place for place, _ in shown], heights, linestyle="", alpha=0.85, **style)
    if scale == "log":
        axes.set_xscale("log")
        axes.xaxis.set_minor_formatter(NullFormatter())
    if scale != "choice":
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def _choices(axes: Axes, values: Sequence[Any]) -> list[int]:
    """Give each value a place of its own with its name under it."""
    labels = [value if isinstance(value, str) else json.dumps(value) for value in values]
    by_size = all(isinstance(value, int | float) for value in values)
    names = sorted(set(labels), key=float if by_size else str)
    axes.set_xticks(range(len(names)), [shorten(name, _LABEL) for name in names])
    axes.set_xlim(-0.6, len(names) - 0.4)
    return [names.index(label) for label in labels]


def _style_metric(axes: Axes, metric: str, limits: tuple[float, float]) -> None:
    axes.set_ylim(*limits)
    if not is_loss(metric):
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.3g}%"))
    axes.yaxis.set_major_locator(MaxNLocator(5))


def _limits(points: Sequence[SearchPoint], metric: str) -> tuple[float, float]:
    """Leave room for the finished trials that are worth a look: far worse ones, and pruned ones, stand at the edge."""
    finished = [point.value for point in points if point.state == "finished" and point.value is not None]
    values = np.array(finished or [point.value for point in points if point.value is not None] or [0.0, 1.0])
    first, middle, third = np.percentile(values, [25, 50, 75])
    fence, least = 3.0 * (third - first), _LEAST_REACH * abs(middle)
    low, high = float(values.min()), float(values.max())
    if is_loss(metric):
        high = float(max(min(high, third + fence), middle + least))
    else:
        low = float(min(max(low, first - fence), middle - least))
    margin = 0.08 * (high - low) or 0.01
    return low - margin, high + margin


def _clipped(points: Sequence[SearchPoint], limits: tuple[float, float]) -> list[float]:
    room = 0.03 * (limits[1] - limits[0])
    return [min(max(point.value or 0.0, limits[0] + room), limits[1] - room) for point in points]


def _best_so_far(points: Sequence[SearchPoint], metric: str) -> tuple[list[int], list[float]]:
    better = min if is_loss(metric) else max
    numbers: list[int] = []
    best: list[float] = []
    for point in points:
        if point.state == "finished" and point.value is not None:
            numbers.append(point.number)
            best.append(better([*best[-1:], point.value]))
    if numbers:
        numbers.append(points[-1].number)
        best.append(best[-1])
    return numbers, best


def _name(metric: str) -> str:
    return metric.replace("_", " ").replace("f1", "F1")
