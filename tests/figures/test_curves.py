"""Training curves."""

import math
from pathlib import Path

import pytest
from PIL import Image

from imgclf.figures import training_curves


def _row(epoch: int, value: float) -> dict[str, float]:
    return {
        "epoch": epoch,
        "train_loss": value,
        "train_accuracy": value / 3,
        "val_loss": value + 0.1,
        "val_accuracy": value / 4,
        "lr": 0.1 / epoch,
    }


@pytest.mark.parametrize("epochs", [1, 2, 60])
def test_curves_are_drawn_for_any_number_of_epochs(tmp_path: Path, epochs: int) -> None:
    """One epoch is enough for a picture, and it is wide enough for a page."""
    rows = [_row(epoch, 1 / epoch) for epoch in range(1, epochs + 1)]
    path = training_curves(rows, tmp_path / "new" / "curves.png")
    with Image.open(path) as image:
        assert image.size == (1200, 690)
        assert len(image.convert("RGB").getcolors(1 << 20)) > 20


def test_curves_survive_nan(tmp_path: Path) -> None:
    """A run that diverged still has its picture."""
    rows = [_row(1, 1.0), _row(2, math.nan)]
    assert training_curves(rows, tmp_path / "curves.png").stat().st_size > 5000


def test_the_same_rows_give_the_same_bytes(tmp_path: Path) -> None:
    """A picture has no time stamp in it."""
    rows = [_row(1, 1.0), _row(2, 0.5)]
    first = training_curves(rows, tmp_path / "a.png").read_bytes()
    assert training_curves(rows, tmp_path / "b.png").read_bytes() == first
