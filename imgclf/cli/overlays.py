"""Show what a model looked at when it erred: Grad-CAM for ``imgclf evaluate``, which must not know of ``explain``."""

from collections.abc import Callable
from dataclasses import replace
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

    from imgclf.data import thumbnail
    from imgclf.errors import ImgclfError
    from imgclf.explain import Explainer, Options, Subject, Target, explanations, resolve
    from imgclf.figures import overlay as lay
    from imgclf.inference import Predictor

    predictor = Predictor.open(run, device=device, runtime="torch")
    explainer = Explainer(predictor)
    try:
        wanted = resolve(explainer, Options())
    except ImgclfError as error:
        render.message(f"No Grad-CAM beside the worst errors: {error}")
        return lambda source, class_index: None

    def draw(source: Any, class_index: int) -> "np.ndarray | None":
        of_class = replace(wanted, target=Target("class", class_index))
        (found,) = explanations(explainer, [Subject(source, "image")], of_class)
        image = found.opened.image
        if image is None or not found.maps or found.maps[0].state != "ok":
            return None
        values = found.maps[0].on_original((image.height, image.width), predictor.header.preprocessing)
        return np.asarray(thumbnail(Image.fromarray(lay(np.asarray(image), values)), _SIDE))

    return draw
