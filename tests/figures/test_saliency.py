"""Maps in colour, over their images, and in panels."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.errors import UsageError
from imgclf.figures.saliency import PanelMap, check_colormap, colorize, overlay, saliency_panel


def test_colours_follow_values():
    """Low and high differ, NaN is grey."""
    colours = colorize(np.array([[0.0, 1.0, np.nan]]), "viridis")
    assert colours.dtype == np.uint8
    assert colours[0, 0].tolist() == [68, 1, 84]
    assert colours[0, 1].tolist() == [253, 231, 37]
    assert len(set(colours[0, 2].tolist())) == 1


def test_opacity_goes_from_the_image_to_the_map():
    """Zero is the image, one the map alone; what was not seen is veiled either way."""
    image = np.full((600, 4, 3), 200, dtype=np.uint8)
    values = np.ones((600, 4), dtype=np.float32)
    values[:, 0] = np.nan
    none, full = overlay(image, values, opacity=0.0), overlay(image, values, opacity=1.0)
    assert (none[:, 1:] == 200).all()
    assert (full[:, 1:] == colorize(values)[:, 1:]).all()
    assert (none[:, 0] == full[:, 0]).all()
    assert (none[:, 0] != 200).all()


@pytest.mark.parametrize("count", [1, 2, 4, 5, 9])
@pytest.mark.parametrize("size", [(8, 8), (300, 100)])
def test_panels_of_any_number(count: int, size: tuple[int, int]):
    """One map stands between image and overlay; several fill rows of four; blank ones say why."""
    image = Image.new("RGB", size, "green")
    values = np.linspace(0, 1, size[0] * size[1], dtype=np.float32).reshape(size[::-1])
    maps = [
        PanelMap(
            values,
            (f"map {i}", "for a class of a rather long name indeed, longer than a tile"),
            "empty" if i == 1 else "",
        )
        for i in range(count)
    ]
    path = saliency_panel(Path("new/panel.png"), image, maps, "cat (93 %)")
    with Image.open(path) as panel:
        columns = 3 if count == 1 else min(count, 4) + 1
        assert panel.width == columns * 274 + 10


def test_an_unknown_colormap_suggests_one():
    """The nearest name, and some that there are."""
    assert check_colormap("jet") == "jet"
    with pytest.raises(
        UsageError,
        match=r"^Unknown colormap 'infreno'\. Did you mean 'inferno'\? Any of matplotlib's will do, such as: turbo, jet, "
        r"inferno, magma, viridis, hot, coolwarm\.$",
    ):
        check_colormap("infreno")
