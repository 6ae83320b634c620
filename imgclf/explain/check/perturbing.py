"""Deletion and insertion: what happens to the prediction when pixels go, or come, in a map's order."""

from collections.abc import Callable

import numpy as np
from PIL import Image, ImageFilter

Probabilities = Callable[[np.ndarray], np.ndarray]
"""Predicts for uint8 pixels (N, H, W, C): (N, K) in [0, 1]."""

_STEPS = 10


def deletion_and_insertion(
    probabilities: Probabilities, pixels: np.ndarray, class_index: int, orders: np.ndarray
) -> np.ndarray:
    """Remove pixels by a blurred image, most important first, and bring them back in the same order.

    Petsiuk, Das and Saenko, "RISE" (2018); here ten steps, and the blurred image in both directions: black would be
    far from anything that the model knows.

    Args:
        probabilities: the model.
        pixels: uint8 (H, W, C).
        class_index: whose probability is watched.
        orders: float (M, H, W), the maps; ties are broken by place.

    Returns:
        float64 (M, 2): of each map the mean probability while pixels go (lower is better) and while they come
        (higher is better), in [0, 1].
    """
    height, width = pixels.shape[:2]
    blurred = _blurred(pixels)
    ranks = np.argsort(np.argsort(-orders.reshape(len(orders), -1), kind="stable"), kind="stable")
    limits = np.linspace(0, height * width, _STEPS + 1)[1:-1]
    gone = (ranks[:, None] < limits[:, None]).reshape(len(orders), -1, height, width, 1)
    # The whole image and the wholly blurred one begin and end every curve: they are asked for once.
    whole, nothing = probabilities(np.stack([pixels, blurred]))[:, class_index]
    areas = []
    for masks in gone:
        stack = np.concatenate([np.where(masks, blurred, pixels), np.where(masks, pixels, blurred)])
        going, coming = probabilities(stack)[:, class_index].reshape(2, -1)
        areas.append((_area(whole, going, nothing), _area(nothing, coming, whole)))
    return np.array(areas)


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """Blur until nothing is to be recognised."""
    channels = pixels.shape[2]
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(max(pixels.shape[:2]) / 8)))
    return soft.reshape(pixels.shape)


def _area(first: float, between: np.ndarray, last: float) -> float:
    """Return the mean height under a curve of equal steps (trapezoids)."""
    return float((first / 2 + between.sum() + last / 2) / _STEPS)
