"""Scores of a map by what happens to the answer when pixels go or come in the map's order."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from PIL import Image, ImageFilter
from pytorch_grad_cam.metrics.road import NoisyLinearImputer, neighbors_weights
from scipy.sparse import csc_matrix
from scipy.sparse.linalg import spsolve
from torch import Tensor

from imgclf.models import Classifier

Probabilities = Callable[[np.ndarray], np.ndarray]
"""Answers for uint8 pixels (N, H, W, C): (N, K) in [0, 1]."""

_STEPS = 10
_ROAD_NOISE = 0.01
_ROAD_PERCENTILES = (20, 50, 80)  # nine, as in the paper, solve 18 sparse systems for each image


def deletion_and_insertion(
    probabilities: Probabilities, pixels: np.ndarray, class_index: int, order: np.ndarray
) -> tuple[float, float]:
    """Remove pixels by a blurred image, most important first, and bring them back in the same order.

    Petsiuk, Das and Saenko, "RISE" (2018); here ten steps, and the blurred image in both directions: black would be
    far from anything that the model knows.

    Args:
        probabilities: the model.
        pixels: uint8 (H, W, C).
        class_index: whose probability is watched.
        order: float (H, W), the map; ties are broken by place.

    Returns:
        The mean probability while pixels go (lower is better) and while they come (higher is better), in [0, 1].
    """
    height, width = pixels.shape[:2]
    blurred = _blurred(pixels)
    ranks = np.empty(height * width, dtype=np.int64)
    ranks[np.argsort(-order.ravel(), kind="stable")] = np.arange(height * width)
    limits = np.linspace(0, height * width, _STEPS + 1)
    gone = (ranks[None] < limits[:, None]).reshape(-1, height, width, 1)
    stack = np.concatenate([np.where(gone, blurred, pixels), np.where(gone, pixels, blurred)])
    rows = probabilities(stack)[:, class_index]
    return _area(rows[: _STEPS + 1]), _area(rows[_STEPS + 1 :])


def road(classifier: Classifier, images: Tensor, classes: Sequence[int], maps: np.ndarray) -> np.ndarray:
    """Return ROAD's score of each map, float32 (N,): higher is better, around 0 is no better than chance.

    Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (2022): pixels are replaced
    by what their neighbours suggest, so that the hole itself tells nothing.

    Args:
        classifier: the network.
        images: (N, C, H, W), normalised.
        classes: N class indices.
        maps: float32 (N, H, W) in [0, 1].
    """
    generator = np.random.default_rng(0)
    # Ties would make one threshold cut all or nothing; a slope far below any difference breaks them.
    slope = np.linspace(0, 1e-6, maps[0].size, dtype=np.float32).reshape(maps[0].shape)
    scores = []
    for image, index, values in zip(images.float().cpu().numpy(), classes, maps + slope, strict=True):
        filled = [
            _imputed(image, order < np.percentile(order, percentile), generator)
            for order in (1 - values, values)
            for percentile in _ROAD_PERCENTILES
        ]
        with torch.inference_mode():
            logits = classifier(torch.from_numpy(np.stack(filled)).to(images))
        least_first, most_first = logits.float().softmax(1)[:, index].reshape(2, -1).mean(1).tolist()
        scores.append((least_first - most_first) / 2)
    return np.array(scores, dtype=np.float32)


def _imputed(image: np.ndarray, kept: np.ndarray, generator: np.random.Generator) -> np.ndarray:
    """Fill the pixels that are not kept, float32 (C, H, W), by what their neighbours suggest, with a little noise.

    The library's system of equations, solved here: its own call hands tensors to NumPy functions that will soon
    refuse them.
    """
    mask = kept.astype(np.float32)
    system, right = NoisyLinearImputer.setup_sparse_system(mask, image, neighbors_weights)
    filled = image.copy()
    if right.size:
        values = spsolve(csc_matrix(system), right).reshape(right.shape)
        filled[:, ~kept] = (values + _ROAD_NOISE * generator.standard_normal(right.shape)).T
    return filled


def _blurred(pixels: np.ndarray) -> np.ndarray:
    """Blur until nothing is to be recognised."""
    channels = pixels.shape[2]
    image = Image.fromarray(pixels if channels == 3 else pixels[..., 0])
    soft = np.asarray(image.filter(ImageFilter.GaussianBlur(max(pixels.shape[:2]) / 8)))
    return soft.reshape(pixels.shape)


def _area(values: np.ndarray) -> float:
    """Return the mean height under a curve of equal steps (trapezoids)."""
    return float((values[:-1] + values[1:]).mean() / 2)
