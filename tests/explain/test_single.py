"""One image at a time, from memory."""

import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.errors import ImageError, UsageError
from imgclf.explain import Explainer, explain_one


def test_an_image_from_memory(explainer: Explainer):
    """The overlay has the image's size; the class is the most probable one unless another is named."""
    image = Image.new("RGB", (70, 40), (180, 190, 200))
    image.paste((60, 180, 80), (25, 10, 45, 30))
    found = explain_one(explainer, image)
    assert found.pixels.shape == (40, 70, 3)
    assert found.saliency.target == explainer.predictor.predict(image)[0].top_k[0][0]
    assert explain_one(explainer, image, 2, method="eigencam", layer=-3).saliency.target == "triangle"


def test_an_empty_map_leaves_the_image_as_it_is(explainer: Explainer):
    """No colours where there is no evidence."""
    pixels = np.full((32, 32, 3), 128, dtype=np.uint8)
    maps = [explain_one(explainer, pixels, index) for index in range(3)]
    for found in maps:
        assert (found.saliency.state == "ok") == bool((found.pixels != pixels).any())


def test_what_cannot_be_explained(explainer: Explainer, shapes: Path):
    """A file that is no image, and a class that is not there."""
    with pytest.raises(ImageError, match=r"^image 0: is empty \(0 bytes\)$"):
        explain_one(explainer, b"")
    sentence = "The model has 3 classes, so there is no class with index 3."
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        explain_one(explainer, shapes / "test/circle/00.png", 3)
