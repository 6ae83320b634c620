"""Thumbnails in one picture: each is where the page looks for it, and the picture stays within bounds."""

import io

import numpy as np
import pytest
from PIL import Image

from imgclf.embed.sprite import cut_out, make_sprite, thumbnail_size


def test_each_thumbnail_is_found_again() -> None:
    """Row by row, in the colours that went in, but for what JPEG does to them."""
    colours = np.random.default_rng(0).integers(0, 256, (11, 1, 1, 3), dtype=np.uint8)
    sprite = make_sprite(np.broadcast_to(colours, (11, 16, 24, 3)))
    assert (sprite.columns, sprite.size) == (4, (16, 24))
    for index, png in zip((0, 5, 10), cut_out(sprite, np.array([0, 5, 10])), strict=True):
        image = Image.open(io.BytesIO(png))
        assert image.size == (24, 16)
        assert np.abs(np.asarray(image, int) - colours[index]).mean() < 8


@pytest.mark.parametrize(
    ("image_size", "count", "expected"),
    [
        ((224, 224), 600, (96, 96)),
        ((224, 224), 10_000, (40, 40)),
        ((32, 32), 50_000, (16, 16)),
        ((8, 8), 10, (8, 8)),
        ((100, 200), 600, (48, 96)),
    ],
)
def test_more_images_get_smaller_thumbnails(
    image_size: tuple[int, int], count: int, expected: tuple[int, int]
) -> None:
    """Never larger than the image, and 4,096 pixels in all."""
    assert thumbnail_size(image_size, count) == expected
