"""Every figure looks as it did when somebody last looked at it, within what another font or version may change.

A picture is stored at a third of its size and compared in squares of ten pixels: anti-aliasing and a text that moves by
a pixel do not count, a missing line, bar, legend or colour does. After a change that is meant, write them anew, and look::

    IMGCLF_WRITE_SNAPSHOTS=1 pytest tests/figures/test_snapshots.py
"""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf import metrics
from imgclf.figures import (
    ClassBar,
    GalleryTile,
    RankingCurve,
    SearchPoint,
    class_bars,
    confusion_figure,
    coverage_risk_figure,
    image_gallery,
    ranking_curves,
    reliability_diagram,
    search_history,
    search_parameters,
    training_curves,
)
from imgclf.figures.eda.counts import class_counts
from imgclf.figures.eda.crop import crop_boxes
from imgclf.figures.eda.rows import image_rows
from imgclf.figures.eda.sizes import image_sizes
from imgclf.figures.saliency import PanelMap, saliency_panel
from imgclf.figures.scatter import PlottedMap, map_figure, maps_figure

SNAPSHOTS = Path(__file__).parent / "snapshots"
NAMES = ("cat", "dog", "horse", "ship", "a name that is far too long for a label")
SQUARE = 10  # pixels of the stored picture
TOLERANCE = 14  # mean difference of grey levels within one square

_GENERATOR = np.random.default_rng(0)
_LABELS = np.arange(200) % 5
_LOGITS = _GENERATOR.normal(size=(200, 5)) + 2.2 * np.eye(5)[_LABELS]
_PROBABILITIES = np.exp(_LOGITS) / np.exp(_LOGITS).sum(axis=1, keepdims=True)
_CONFIDENCE = _PROBABILITIES.max(axis=1)
_CORRECT = _PROBABILITIES.argmax(axis=1) == _LABELS
_POINTS = _GENERATOR.normal(size=(200, 2)) + 4 * np.eye(5)[_LABELS][:, :2] - 3 * np.eye(5)[_LABELS][:, 2:4]
_STEPS = np.arange(4) * 60  # a photograph of few colours
_PHOTO = np.stack(np.broadcast_arrays(_STEPS.repeat(15)[:, None], _STEPS.repeat(20), 90), axis=2).astype(
    np.uint8
)
_MATRIX = metrics.confusion_matrix(_LABELS, _PROBABILITIES.argmax(axis=1), 5)


def _history() -> list[dict[str, float]]:
    keys = ("train_loss", "val_loss", "train_accuracy", "val_accuracy", "lr")
    rows = [(1 / e, 0.2 + 1 / e, 1 - 0.6 / e, 0.93 - 0.6 / e - (e == 12) / 9, 0.1 / e) for e in range(1, 13)]
    return [{"epoch": epoch, **dict(zip(keys, row, strict=True))} for epoch, row in enumerate(rows, 1)]


def _ranking() -> list[RankingCurve]:
    curves = []
    for index, name in enumerate(NAMES[:4]):
        roc = metrics.roc_curve(_PROBABILITIES[:, index], index == _LABELS)
        precision, recall = metrics.precision_recall_curve(_PROBABILITIES[:, index], index == _LABELS)
        curves.append(RankingCurve(name, *roc, recall, precision, 0.9, 0.8))
    return curves


def _search() -> list[SearchPoint]:
    states = ("finished", "pruned", "finished", "failed")
    return [
        SearchPoint(
            number,
            states[number % 4],
            None if number % 4 == 3 else 0.5 + 0.3 * (number * 7 % 11) / 11,
            {"optimizer.lr": 10 ** -(1 + number * 5 % 13 / 4), "model.name": "ab"[number % 2]},
        )
        for number in range(20)
    ]


def _reliability(path: Path) -> Path:
    bins = metrics.calibration_bins(_CONFIDENCE, _CORRECT)
    return reliability_diagram({"Before": bins, "After": bins}, path)


def _coverage(path: Path) -> Path:
    curve = metrics.coverage_risk(_CONFIDENCE, _CORRECT)
    return coverage_risk_figure(curve.coverage, curve.risk, path, chosen=(0.6, 0.7, 0.04), target=0.05)


def _panel(path: Path) -> Path:
    values = np.exp(-((np.arange(60) - 20.0)[:, None] ** 2 + (np.arange(80) - 50.0) ** 2) / 300)
    maps = [PanelMap(values.astype(np.float32), ("Grad-CAM", "for cat"), blank) for blank in ("", "empty")]
    return saliency_panel(path, Image.fromarray(_PHOTO), maps, "cat (93 %)")


FIGURES: dict[str, Callable[[Path], Path]] = {
    "training_curves": lambda path: training_curves(_history(), path),
    "confusion": lambda path: confusion_figure(_MATRIX, NAMES, path, normalized=True),
    "class_bars": lambda path: class_bars(
        [ClassBar(name, 0.9 - i / 9, 0.8 - i / 9, 0.97 - i / 9, 0.7, 40) for i, name in enumerate(NAMES)],
        path,
    ),
    "ranking": lambda path: ranking_curves(_ranking(), path),
    "reliability": _reliability,
    "coverage_risk": _coverage,
    "gallery": lambda path: image_gallery(
        [GalleryTile(_PHOTO, ("dog, 0.91", "is cat")), GalleryTile(_PHOTO[:, :30], ("cat",))],
        path,
        title="Errors",
    ),
    "search_history": lambda path: search_history(
        _search(), {"optimizer.lr": 0.8, "model.name": 0.2}, "val_accuracy", path
    ),
    "search_parameters": lambda path: search_parameters(
        _search(), {"optimizer.lr": "log", "model.name": "choice"}, "val_accuracy", path
    ),
    "map": lambda path: map_figure(_POINTS, _LABELS, NAMES, path, title="t-SNE"),
    "map_3d": lambda path: map_figure(np.c_[_POINTS, _CONFIDENCE], _LABELS, NAMES, path),
    "maps": lambda path: maps_figure(
        [PlottedMap("first", _POINTS), PlottedMap("second", _POINTS[:, ::-1])],
        _LABELS,
        NAMES,
        path,
        title="Two",
    ),
    "saliency_panel": _panel,
    "eda_counts": lambda path: class_counts(
        {"train": dict(zip(NAMES, (40, 30, 8, 25, 12), strict=True)), "test": dict.fromkeys(NAMES, 6)}, path
    ),
    "eda_sizes": lambda path: image_sizes(np.arange(50, 250), 300 - np.arange(50, 250), path),
    "eda_rows": lambda path: image_rows({"cat": [_PHOTO] * 3, "dog": [_PHOTO[:20]]}, path),
    "eda_crop": lambda path: crop_boxes(
        [_PHOTO] * 5,
        [(10.0, 0.0, 70.0, 60.0), (-9.0, -9.0, 89.0, 69.0)] * 2 + [(0.0, 0.0, 80.0, 60.0)],
        ["75%"] * 5,
        path,
    ),
}


@pytest.mark.parametrize("name", FIGURES)
def test_a_figure_looks_as_it_did(name: str, tmp_path: Path) -> None:
    """Size, and every square of the picture, are those of the stored one."""
    with Image.open(FIGURES[name](tmp_path / f"{name}.png")) as drawn:
        small = drawn.convert("RGB").resize((drawn.width // 3, drawn.height // 3), Image.Resampling.BOX)
    stored = SNAPSHOTS / f"{name}.png"
    if os.environ.get("IMGCLF_WRITE_SNAPSHOTS"):
        small.quantize(256, dither=Image.Dither.NONE).save(stored, optimize=True)
    with Image.open(stored) as expected:
        assert small.size == expected.size
        worst = _difference(small, expected.convert("RGB"))
    assert worst <= TOLERANCE, f"{name}: a square differs by {worst:.0f} grey levels on average"


def test_a_missing_line_is_seen(tmp_path: Path) -> None:
    """The comparison can tell: without its marked threshold the coverage figure is another."""
    curve = metrics.coverage_risk(_CONFIDENCE, _CORRECT)
    path = coverage_risk_figure(curve.coverage, curve.risk, tmp_path / "c.png", target=0.05)
    with Image.open(path) as drawn, Image.open(SNAPSHOTS / "coverage_risk.png") as expected:
        small = drawn.convert("RGB").resize(expected.size, Image.Resampling.BOX)
        assert _difference(small, expected.convert("RGB")) > TOLERANCE


def test_no_snapshot_is_left_over() -> None:
    """Each stored picture belongs to a figure."""
    assert {path.stem for path in SNAPSHOTS.glob("*.png")} == set(FIGURES)


def _difference(one: Image.Image, other: Image.Image) -> float:
    """Return the largest mean difference within a square, in grey levels."""
    height, width = (side // SQUARE * SQUARE for side in (one.height, one.width))
    gaps = np.abs(np.asarray(one, dtype=float) - np.asarray(other, dtype=float))[:height, :width].mean(axis=2)
    squares = gaps.reshape(height // SQUARE, SQUARE, width // SQUARE, SQUARE).mean(axis=(1, 3))
    return float(squares.max())
