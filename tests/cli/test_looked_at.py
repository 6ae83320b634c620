"""What the model looked at, beside its worst errors."""

import numpy as np

from imgclf.cli.looked_at import grad_cam_overlay
from imgclf.runs import Run


def test_an_overlay_has_the_size_of_the_image(shapes_run: Run) -> None:
    """Drawn over the image itself; what cannot be read has none."""
    overlay = grad_cam_overlay(shapes_run.path, "cpu")
    pixels = np.random.default_rng(0).integers(0, 255, (40, 60, 3), dtype=np.uint8)
    drawn = [one for one in (overlay(pixels, index) for index in range(3)) if one is not None]
    assert drawn
    assert all(one.shape == (40, 60, 3) and one.dtype == np.uint8 for one in drawn)
    assert overlay(b"no image", 0) is None
