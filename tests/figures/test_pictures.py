"""Each picture is drawn for few and for many classes, and shows what it should."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf import metrics
from imgclf.figures import (
    ClassBar,
    GalleryTile,
    RankingCurve,
    class_bars,
    confusion_figure,
    coverage_risk_figure,
    image_gallery,
    ranking_curves,
    reliability_diagram,
    shorten,
)
from imgclf.figures.confusion import most_confused_classes
from imgclf.task import softmax


def _answers(images: int, classes: int) -> tuple[np.ndarray, np.ndarray]:
    generator = np.random.default_rng(0)
    labels = generator.integers(0, classes, images)
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), labels] += 2
    return softmax(logits), labels


def _colours(path: Path) -> int:
    with Image.open(path) as image:
        return len(image.convert("RGB").getcolors(1 << 22))


@pytest.mark.parametrize("classes", [1, 2, 10, 25, 300])
@pytest.mark.parametrize("normalized", [True, False])
def test_confusion_matrix(tmp_path: Path, classes: int, normalized: bool) -> None:
    """One class or three hundred, the picture fits a page."""
    probabilities, labels = _answers(500, classes)
    matrix = metrics.confusion_matrix(labels, probabilities.argmax(axis=1), classes)
    names = [f"${index} a name_with^signs & more" for index in range(classes)]
    path = confusion_figure(matrix, names, tmp_path / "confusion.png", normalized=normalized)
    with Image.open(path) as image:
        assert image.width <= 1600
    assert _colours(path) > 20


def test_the_most_confused_classes_are_those_with_the_most_errors() -> None:
    """Of many classes the picture keeps the pairs that are mixed up, in class order."""
    matrix = np.eye(50, dtype=int) * 9
    matrix[40, 3] = 8
    matrix[7, 40] = 5
    assert list(most_confused_classes(matrix, 3)) == [3, 7, 40]


@pytest.mark.parametrize("classes", [1, 10, 90])
def test_class_bars(tmp_path: Path, classes: int) -> None:
    """Up to forty classes have a bar."""
    bars = [ClassBar(f"class {i}", i / 100, 0.0, i / 90, 0.5, 10 * i) for i in range(classes)]
    path = class_bars(bars, tmp_path / "bars.png")
    with Image.open(path) as image:
        assert 200 < image.height < 2000


@pytest.mark.parametrize("classes", [2, 30])
def test_ranking_curves(tmp_path: Path, classes: int) -> None:
    """Each class has its curves; of thirty the worst ten are named."""
    probabilities, labels = _answers(400, classes)
    curves = []
    for index in range(classes):
        scores, positive = probabilities[:, index], labels == index
        false_rate, true_rate = metrics.roc_curve(scores, positive)
        precision, recall = metrics.precision_recall_curve(scores, positive)
        curves.append(RankingCurve(f"class {index}", false_rate, true_rate, recall, precision, 0.9, 0.8))
    assert _colours(ranking_curves(curves, tmp_path / "ranking.png")) > 50


def test_reliability_and_coverage(tmp_path: Path) -> None:
    """Empty bins and a missing threshold are no trouble."""
    probabilities, labels = _answers(50, 3)
    confidence, correct = probabilities.max(axis=1), probabilities.argmax(axis=1) == labels
    bins = metrics.calibration_bins(confidence, correct)
    assert _colours(reliability_diagram({"Before": bins, "After": bins}, tmp_path / "a.png")) > 20
    assert _colours(reliability_diagram({"Only": bins}, tmp_path / "b.png")) > 20
    curve = metrics.coverage_risk(confidence, correct)
    plain = coverage_risk_figure(curve.coverage, curve.risk, tmp_path / "c.png")
    chosen = (0.5, 0.8, 0.1)
    marked = coverage_risk_figure(curve.coverage, curve.risk, tmp_path / "d.png", chosen=chosen, target=0.1)
    assert plain.read_bytes() != marked.read_bytes()


@pytest.mark.parametrize("count", [1, 7])
def test_gallery(tmp_path: Path, count: int) -> None:
    """Grey and colour images of any shape stand side by side."""
    tiles = [
        GalleryTile(np.full((20, 10 + i), 99, np.uint8), ("cat, 0.9", "is dog")) for i in range(count - 1)
    ] + [GalleryTile(np.full((200, 100, 3), (200, 20, 20), np.uint8), ())]
    path = image_gallery(tiles, tmp_path / "gallery.png", title="Errors")
    with Image.open(path) as image:
        assert any(colour == (200, 20, 20) for _, colour in image.convert("RGB").getcolors(1 << 22))


def test_long_names_are_cut_in_the_middle() -> None:
    """Both ends of a long name stay, and line breaks go."""
    assert shorten("one\ntwo") == "one two"
    assert shorten("x" * 30 + "end", 10) == "xxxxx…xend"
    assert len(shorten("y" * 99, 22)) == 22
