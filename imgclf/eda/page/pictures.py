"""The figures of a look at a dataset."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from imgclf.data import original_box
from imgclf.eda.facts.counts import Counts
from imgclf.eda.facts.crop import CropFacts
from imgclf.eda.facts.pixels import PixelFacts
from imgclf.eda.measuring.survey import Survey
from imgclf.eda.page.augmented import HEADINGS
from imgclf.eda.page.samples import pixels
from imgclf.figures import class_counts, crop_boxes, image_rows, image_sizes

_CROPS_SHOWN = 8

Rows = Mapping[str, Sequence[np.ndarray]]
"""Name -> images, uint8 (H, W, 3)."""


def draw_figures(
    survey: Survey,
    counts: Counts,
    facts: PixelFacts | None,
    crop: CropFacts | None,
    folder: Path,
    *,
    samples: Rows,
    augmented: Rows,
) -> dict[str, Path]:
    """Draw what there is to draw: name -> PNG, in the order of the page."""
    figures = {"counts": class_counts(counts.per_split, folder / "class_counts.png")}
    if facts is None or crop is None:
        return figures
    figures["samples"] = image_rows(samples, folder / "samples.png")
    if augmented:
        figures["augmented"] = image_rows(augmented, folder / "augmented.png", HEADINGS)
    if not facts.one_size:
        readable = survey.facts[survey.readable]
        figures["sizes"] = image_sizes(readable["width"], readable["height"], folder / "sizes.png")
    if crop.most_cut(1):
        figures["crop"] = _draw_crop(survey, crop, folder / "eval_crop.png")
    return figures


def _draw_crop(survey: Survey, crop: CropFacts, path: Path) -> Path:
    images, boxes, captions = [], [], []
    for row in crop.most_cut(_CROPS_SHOWN):
        image = pixels(survey, row, side=320)
        if image is None:
            continue
        height, width = int(survey.facts["height"][row]), int(survey.facts["width"][row])
        scale = image.shape[1] / width
        box = np.array(original_box((height, width), crop.spec).box) * scale
        images.append(image)
        boxes.append((float(box[0]), float(box[1]), float(box[2]), float(box[3])))
        captions.append(f"{crop.kept[row]:.0%} of {width} × {height}")
    return crop_boxes(images, boxes, captions, path)
