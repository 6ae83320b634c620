"""The pictures of ``imgclf eda``: every shape of input gives a readable PNG."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.figures.eda.counts import class_counts
from imgclf.figures.eda.crop import crop_boxes
from imgclf.figures.eda.rows import image_rows
from imgclf.figures.eda.sizes import image_sizes


def is_picture(path: Path) -> bool:
    """Whether a file is a PNG of the common width with something on it."""
    with Image.open(path) as image:
        return image.width == 1200 and image.convert("L").getextrema() != (255, 255)


@pytest.mark.parametrize("classes", [1, 10, 1000])
def test_class_counts(tmp_path: Path, classes: int):
    """Few classes are bars, many are a curve; an empty class is no problem."""
    counts = {
        split: {f"class $ {place}": place * 3 for place in range(classes)} for split in ("train", "test")
    }
    assert is_picture(class_counts(counts, tmp_path / "counts.png"))


def test_image_sizes(tmp_path: Path):
    """Extreme aspect ratios are drawn at the edge."""
    widths, heights = np.array([100, 100, 1, 640]), np.array([100, 80, 20_000, 480])
    assert is_picture(image_sizes(widths, heights, tmp_path / "sizes.png"))


def test_image_rows(tmp_path: Path):
    """Rows may be of different lengths, also empty, and names long."""
    small, wide = np.zeros((8, 8, 3), np.uint8), np.zeros((90, 160, 3), np.uint8)
    rows = {
        "a": [small, wide],
        "a name that is much too long to fit": [small],
        "unbreakably-long-name" * 2: [],
    }
    assert is_picture(image_rows(rows, tmp_path / "rows.png", headings=("one", "two")))


def test_image_rows_without_images(tmp_path: Path):
    """No images at all still give a picture."""
    assert is_picture(image_rows({"nothing": []}, tmp_path / "rows.png"))


def test_crop_boxes_veil_what_is_cut_off(tmp_path: Path):
    """Boxes may reach beyond the image, as padding does."""
    images = [np.zeros((60, 100, 3), np.uint8)] * 5
    boxes = [(20.0, 0.0, 80.0, 60.0), (-20.0, -20.0, 120.0, 80.0)] * 2 + [(0.0, 0.0, 100.0, 60.0)]
    assert is_picture(crop_boxes(images, boxes, ["60% of 100 × 60"] * 5, tmp_path / "crop.png"))
