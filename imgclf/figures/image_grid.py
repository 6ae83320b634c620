"""A grid of images with a caption under each."""

import math
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from imgclf.figures.style import WIDTH, picture, shorten


def image_grid(images: Sequence[np.ndarray], captions: Sequence[str], path: Path, columns: int = 8) -> Path:
    """Draw images as they are, small ones with sharp pixels.

    Args:
        images: uint8 (H, W), (H, W, 1) or (H, W, 3) each; sizes may differ.
        captions: as many short texts.
        path: the PNG to write.
        columns: images in a row.

    Returns:
        ``path``.
    """
    rows = max(1, math.ceil(len(images) / columns))
    with picture(path, height=(WIDTH / columns + 0.22) * rows) as figure:
        grid = figure.subplots(rows, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, caption in zip(grid.flat, images, captions, strict=False):
            pixels = image[..., 0] if image.ndim == 3 and image.shape[-1] == 1 else image
            smoothing = "nearest" if max(pixels.shape[:2]) < 100 else "antialiased"
            axes.imshow(pixels, cmap="gray", vmin=0, vmax=255, interpolation=smoothing)
            axes.set_title(shorten(caption, 14), fontsize=8, fontweight="normal", loc="center", pad=2)
    return path
