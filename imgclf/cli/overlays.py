"""Show what a model looked at when it erred: Grad-CAM for ``imgclf evaluate``, which must not know of ``explain``."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgclf.cli import render

if TYPE_CHECKING:
    import numpy as np

_SIDE = 224


def grad_cam_overlay(run: str | Path, device: str) -> "Callable[[Any, int], np.ndarray | None]":
    """Return a function of an image and a class index that draws where the model saw the class.

    The model is opened when the first image comes. Where there is no map (the network has no layer with places, the
    image cannot be read, nothing speaks for the class) the function returns None.
    """
    explained: list[Callable[[Any, int], np.ndarray | None]] = []

    def overlay(source: Any, class_index: int) -> "np.ndarray | None":
        if not explained:
            explained.append(_opened(run, device))
        return explained[0](source, class_index)

    return overlay


def _opened(run: str | Path, device: str) -> "Callable[[Any, int], np.ndarray | None]":
    import numpy as np
    from PIL import Image

    from imgclf.data.images.thumbnails import thumbnail
    from imgclf.errors import ImgclfError
    from imgclf.explain import Explainer, Saliency, Subject, choose_methods
    from imgclf.explain.subjects import open_subject
    from imgclf.figures.saliency import overlay as lay
    from imgclf.inference import Predictor

    predictor = Predictor.open(run, device=device, runtime="torch")
    spec, names = predictor.header.preprocessing, predictor.class_names
    explainer, method = Explainer(predictor), choose_methods("gradcam")[0]
    try:
        layer = explainer.layer("auto")
    except ImgclfError as error:
        render.message(f"No Grad-CAM beside the worst errors: {error}")
        return lambda source, class_index: None

    def draw(source: Any, class_index: int) -> "np.ndarray | None":
        opened = open_subject(Subject(source, "image"), spec)
        if opened.pixels is None or opened.image is None:
            return None
        raw = explainer.maps(opened.pixels[None], [class_index], method, layer)[0]
        found = Saliency(method.name, layer.name, layer.index, names[class_index], 0.0, raw)
        if found.state != "ok":
            return None
        image = opened.image
        values = found.on_original((image.height, image.width), spec)
        return np.asarray(thumbnail(Image.fromarray(lay(np.asarray(image), values)), _SIDE))

    return draw
