"""What the model looked at, beside its worst errors."""

from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.cli.overlays import grad_cam_overlay
from imgclf.runs import Run


def test_an_overlay_has_the_size_of_the_image(shapes_run: Run, shapes: Path) -> None:
    """Drawn over the image itself, for the class that is asked; what cannot be read has none."""
    overlay = grad_cam_overlay(shapes_run.path, "cpu")
    with Image.open(shapes / "test" / "circle" / "00.png") as opened:
        pixels = np.asarray(opened.convert("RGB").resize((60, 40)))
    drawn = [one for one in (overlay(pixels, index) for index in range(3)) if one is not None]
    assert len(drawn) >= 2
    assert all(one.shape == (40, 60, 3) and one.dtype == np.uint8 for one in drawn)
    changed = np.abs(drawn[0].astype(int) - pixels).sum(axis=2)
    assert np.ptp(changed) > 60, "the colours differ from place to place"
    assert np.abs(drawn[0].astype(int) - drawn[1]).max() > 60, "each class has a map of its own"
    assert overlay(b"no image", 0) is None
