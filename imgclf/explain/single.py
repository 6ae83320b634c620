"""One image, one map, nothing written: for a page that answers a person, or a gallery of errors."""

from dataclasses import dataclass

import numpy as np

from imgclf.errors import ImageError, UsageError
from imgclf.explain.explainer import Explainer
from imgclf.explain.methods import choose_methods
from imgclf.explain.saliency import Saliency
from imgclf.explain.subjects import Subject, open_subject
from imgclf.figures.saliency import COLORMAP, OPACITY, overlay
from imgclf.inference.sources import Source, source_name


@dataclass(frozen=True, eq=False)
class Overlaid:
    """An image with its map over it.

    Attributes:
        pixels: uint8 (H, W, 3), the original's own size; without colours where the map is empty or flat.
        saliency: the map and what can be said of it.
    """

    pixels: np.ndarray
    saliency: Saliency


def explain_one(
    explainer: Explainer,
    source: Source,
    class_index: int | None = None,
    *,
    method: str = "gradcam",
    layer: int | str = "auto",
    colormap: str = COLORMAP,
    opacity: float = OPACITY,
) -> Overlaid:
    """Return an image with a map over it.

    Args:
        explainer: the model; may be shared by threads.
        source: a path, an encoded image, a PIL image or an array.
        class_index: which class to explain; None is the most probable one.
        method: a method's name.
        layer: an index (negative from the end), a module's name, or ``auto``.
        colormap: a name of matplotlib's.
        opacity: of the colours, in [0, 1].

    Raises:
        ImageError: the image cannot be read.
        UsageError: there is no such method or class.
        ModelError: there is no such layer.
    """
    predictor = explainer.predictor
    opened = open_subject(Subject(source, source_name(source, 0)), predictor.header.preprocessing)
    if opened.image is None or opened.pixels is None:
        raise ImageError(opened.subject.name, opened.error or "cannot be read")
    row = predictor.probabilities(opened.pixels[None])[0]
    chosen = int(predictor.task.predicted(row[None])[0]) if class_index is None else class_index
    if not 0 <= chosen < len(row):
        raise UsageError(f"The model has {len(row)} classes, so there is no class with index {chosen}.")
    (how,) = choose_methods(method)[:1]
    where = explainer.layer(layer) if how.by_layer else None
    raw = explainer.maps(opened.pixels[None], [chosen], how, where)[0]
    saliency = Saliency(
        method=how.name,
        layer=where.name if where else "",
        layer_index=where.index if where else None,
        target=predictor.class_names[chosen],
        target_confidence=float(row[chosen]),
        raw=raw,
    )
    image = np.asarray(opened.image)
    values = saliency.on_original((image.shape[0], image.shape[1]), predictor.header.preprocessing)
    return Overlaid(overlay(image, values, colormap, opacity if saliency.state == "ok" else 0.0), saliency)
