"""What a crop keeps: images with the rectangle that the model will see."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.patches import Rectangle

from imgclf.figures.style import ORANGE, WIDTH, picture

Box = tuple[float, float, float, float]


def crop_boxes(
    images: Sequence[np.ndarray], boxes: Sequence[Box], captions: Sequence[str], path: Path, columns: int = 4
) -> Path:
    """Draw each image, veil what is cut off and frame what is kept.

    Args:
        images: uint8 (H, W, 3) each.
        boxes: (left, top, right, bottom) in pixels of the image as given; may reach beyond it.
        captions: a short text each.
        path: the PNG to write.
        columns: images in a row.

    Returns:
        ``path``.
    """
    lines = max(1, -(-len(images) // columns))
    with picture(path, height=(WIDTH / columns + 0.25) * lines) as figure:
        grid = figure.subplots(lines, columns, squeeze=False)
        for axes in grid.flat:
            axes.set_axis_off()
        for axes, image, box, caption in zip(grid.flat, images, boxes, captions, strict=False):
            height, width = image.shape[:2]
            left, top, right, bottom = max(box[0], 0), max(box[1], 0), min(box[2], width), min(box[3], height)
            veiled = image // 2 + 128
            inside = (slice(round(top), round(bottom)), slice(round(left), round(right)))
            veiled[inside] = image[inside]
            axes.imshow(veiled, interpolation="nearest" if max(height, width) < 100 else "antialiased")
            frame = (left - 0.5, top - 0.5)
            axes.add_patch(
                Rectangle(frame, right - left, bottom - top, fill=False, edgecolor=ORANGE, linewidth=2)
            )
            axes.set_title(caption, fontsize=9, fontweight="normal", loc="center", pad=3)
    return path
