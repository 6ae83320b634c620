"""The confusion matrix as a picture: all of it, or the most confused part where there are many classes."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from imgclf.figures.style import INK, picture, shorten

MOST_CLASSES = 30
_PART = 20  # classes shown where there are more than MOST_CLASSES
_TEXT_UP_TO = 20  # classes up to which each cell says its number
# Right answers in blue, wrong ones in orange: an error is found without reading the numbers.
_RIGHT = LinearSegmentedColormap.from_list("right", ["#FFFFFF", "#9CC9E8", "#0A5A96"])
_WRONG = LinearSegmentedColormap.from_list("wrong", ["#FFFFFF", "#F3B58C", "#B44500"])


def confusion_figure(
    matrix: np.ndarray, class_names: Sequence[str], path: Path, *, normalized: bool = False
) -> Path:
    """Draw true classes as rows and predicted classes as columns.

    Args:
        matrix: int (K, K), images by true and predicted class.
        class_names: K names.
        path: the PNG to write.
        normalized: show the share of each row's images instead of their number.

    Returns:
        ``path``.
    """
    shown = most_confused_classes(matrix) if len(matrix) > MOST_CLASSES else np.arange(len(matrix))
    part, names = matrix[np.ix_(shown, shown)], [shorten(class_names[int(index)]) for index in shown]
    shares = part / np.maximum(matrix.sum(axis=1)[shown], 1)[:, None]
    size = len(shown)
    side = min(max(3.2, 0.55 * size), 6.6)
    margin = 0.6 + 0.085 * max(map(len, names), default=0)
    with picture(path, width=max(side + margin + 0.4, 5.0), height=side + margin) as figure:
        axes = figure.add_subplot()
        _draw_cells(axes, shares)
        if size <= _TEXT_UP_TO:
            _write_numbers(axes, part, shares, normalized)
        _label(axes, names)
        what = "share of each true class" if normalized else "images"
        of = "" if size == len(matrix) else f" · the {size} most confused of {len(matrix)} classes"
        figure.suptitle(f"Confusion matrix, {what}{of}", fontsize=11.5, fontweight="bold", x=0.02, ha="left")
    return path


def most_confused_classes(matrix: np.ndarray, count: int = _PART) -> np.ndarray:
    """Return the classes in the largest off-diagonal cells, in class order, at most ``count`` of them."""
    errors = matrix.copy()
    np.fill_diagonal(errors, 0)
    chosen: list[int] = []
    for cell in np.argsort(-errors, axis=None, kind="stable"):
        pair = divmod(int(cell), len(errors))
        new = [index for index in dict.fromkeys(pair) if index not in chosen]
        if len(chosen) + len(new) > count:
            break
        chosen += new
    return np.array(sorted(chosen), dtype=np.int64)


def _draw_cells(axes: Axes, shares: np.ndarray) -> None:
    diagonal = np.eye(len(shares), dtype=bool)
    # The square root lets an error of one in fifty be seen beside a diagonal near one.
    colours = np.where(diagonal[..., None], _RIGHT(shares), _WRONG(np.sqrt(shares)))
    axes.imshow(colours, aspect="equal", interpolation="nearest")
    axes.grid(visible=False)
    axes.set_xticks(np.arange(-0.5, len(shares)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(shares)), minor=True)
    axes.grid(which="minor", color="#E3E7EC", linewidth=0.6, visible=True)
    axes.tick_params(which="both", length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)


def _write_numbers(axes: Axes, part: np.ndarray, shares: np.ndarray, normalized: bool) -> None:
    size = 10.5 if len(part) <= 12 else 7.5
    for (row, column), count in np.ndenumerate(part):
        if not count:
            continue
        share = float(shares[row, column])
        dark = share > 0.6 if row == column else share > 0.35
        text = _share_text(share) if normalized else f"{count}" if count < 10_000 else f"{count / 1000:.0f}k"
        axes.text(column, row, text, ha="center", va="center", fontsize=size, color="white" if dark else INK)


def _share_text(share: float) -> str:
    return (
        "1"
        if share == 1
        else f"{share:.2f}"[1:]
        if 0.995 > share >= 0.005
        else "<.01"
        if share < 0.5
        else ">.99"
    )


def _label(axes: Axes, names: Sequence[str]) -> None:
    size = 10 if len(names) <= 12 else 8.5
    flat = max(map(len, names), default=0) <= 3
    axes.set_xticks(
        range(len(names)),
        names,
        rotation=0 if flat else 45,
        ha="center" if flat else "right",
        rotation_mode="anchor",
        fontsize=size,
    )
    axes.set_yticks(range(len(names)), names, fontsize=size)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
