"""What a map says, how it is scaled, and where it lies on the original."""

import numpy as np
import pytest
from PIL import Image

from imgclf.data import preprocess
from imgclf.explain import Saliency
from imgclf.records import Preprocessing


def saliency(raw: list[list[float]]) -> Saliency:
    """Make a map."""
    return Saliency("gradcam", "layer4", 3, "cat", 0.9, np.array(raw, dtype=np.float32))


def test_an_empty_map_stays_empty():
    """Zeros before rescaling are told, not stretched."""
    empty = saliency([[0, 0], [0, 1e-12]])
    assert empty.state == "empty"
    assert empty.remark == "Empty: nothing in this layer speaks for 'cat'."
    assert not empty.scaled().any()


def test_a_flat_map_says_nothing_of_where():
    """One value everywhere, as of a single cell, is no evidence for a place."""
    assert saliency([[2.0]]).state == "flat"
    assert saliency([[2.0]]).remark == "Flat: the same everywhere, so it says nothing of where."
    assert not saliency([[3, 3], [3, 3]]).scaled().any()


def test_a_map_is_scaled_to_the_whole_range():
    """From 0 to 1, in order."""
    assert saliency([[1, 2], [3, 5]]).state == "ok"
    assert saliency([[1, 2], [3, 5]]).remark == ""
    assert saliency([[1, 2], [3, 5]]).scaled().tolist() == [[0.0, 0.25], [0.5, 1.0]]
    assert saliency([[1, 2], [3, 5]]).on_input((8, 6)).shape == (8, 6)


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
@pytest.mark.parametrize("size", [(120, 60), (60, 120), (90, 90)])
def test_the_map_lies_where_the_evidence_is(mode: str, size: tuple[int, int]):
    """A bright spot of the original, found in the model's input, is laid back onto that spot."""
    width, height = size
    pixels = np.zeros((height, width, 3), dtype=np.uint8)
    row, column = height // 2 - 8, width // 2 + 6
    pixels[row - 3 : row + 4, column - 3 : column + 4] = 255
    spec = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3, resize_mode=mode, crop_fraction=0.8)  # type: ignore[arg-type]
    seen = preprocess(Image.fromarray(pixels), spec)[..., 0].astype(np.float32)
    laid = Saliency("x", "layer4", 3, "cat", 1.0, seen).on_original((height, width), spec)
    assert laid.shape == (height, width)
    found = np.unravel_index(np.nanargmax(laid), laid.shape)
    assert abs(found[0] - row) <= 3
    assert abs(found[1] - column) <= 3


def test_what_the_model_did_not_see_is_marked():
    """The crop cuts the sides of a wide image: NaN there, numbers in the middle."""
    spec = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3)
    laid = saliency([[0, 1], [2, 3]]).on_original((50, 100), spec)
    assert np.isnan(laid[:, :24]).all()
    assert np.isnan(laid[:, 76:]).all()
    assert np.isfinite(laid[:, 26:74]).all()


def test_a_few_strong_pixels_do_not_darken_the_rest():
    """A map of pixels is shown bright beside an outlier; a layer's map, and what is measured, stay linear."""
    raw = np.ones((32, 32), dtype=np.float32)
    raw[:, :16] = 0
    raw[3, 20] = 100
    spec = Preprocessing((32, 32), (0.5,) * 3, (0.5,) * 3)
    pixelwise = Saliency("shap", "", None, "cat", 1.0, raw)
    assert pixelwise.on_original((32, 32), spec)[10, 25] == 1
    assert pixelwise.scaled()[10, 25] == pytest.approx(0.01)
    layered = Saliency("gradcam", "layer4", 3, "cat", 1.0, raw)
    assert layered.on_original((32, 32), spec)[10, 25] == pytest.approx(0.01)
