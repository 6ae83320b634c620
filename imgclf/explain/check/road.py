"""ROAD: a map's score by what the prediction loses when its pixels are replaced by what their neighbours suggest."""

from collections.abc import Iterator

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from imgclf.models import Classifier

_NOISE = 0.01
_PERCENTILES = (20, 50, 80)  # nine in the paper; three order maps alike
_AT_ONCE = 32  # images in a pass of the network
_COARSEST = 4  # pixels a side: below it the mean of what is known will do
_STEPS = 4  # of conjugate gradients on the finest grid, twice as many on each coarser one


def road(classifier: Classifier, image: Tensor, class_index: int, maps: np.ndarray) -> np.ndarray:
    """Return ROAD's score of each map, float32 (M,): higher is better, around 0 is no better than chance.

    Rong et al., "A Consistent and Efficient Evaluation Strategy for Attribution Methods" (2022): pixels are replaced
    by what their neighbours suggest, so that the hole itself tells nothing.

    Args:
        classifier: the network.
        image: (1, C, H, W), normalised.
        class_index: whose probability is watched.
        maps: float32 (M, H, W) in [0, 1].
    """
    kept = torch.from_numpy(np.stack(list(_masks(maps)))).to(image.device)
    generator = torch.Generator().manual_seed(0)
    scores = []
    with torch.inference_mode():
        for masks in torch.split(kept[:, None], _AT_ONCE):
            given = image.float().expand(len(masks), -1, -1, -1)
            noise = _NOISE * torch.randn(given.shape, generator=generator).to(image.device)
            filled = torch.where(masks, given, fill(given, masks) + noise)
            scores.append(classifier(filled.to(image.dtype)).float().softmax(1)[:, class_index])
    least_first, most_first = torch.cat(scores).reshape(len(maps), 2, -1).mean(2).unbind(1)
    result: np.ndarray = ((least_first - most_first) / 2).cpu().numpy()
    return result


def fill(images: Tensor, kept: Tensor) -> Tensor:
    """Fill the pixels that are not kept by the weighted mean of their eight neighbours, all of them at once.

    The same system of equations as the paper's, in which a hole takes the shape of a soap film. It is solved from
    coarse to fine by conjugate gradients: a direct solver takes half a second for an image, and its last digits
    drown in the noise anyway.

    Args:
        images: float32 (N, C, H, W).
        kept: bool (N, 1, H, W).

    Returns:
        float32 (N, C, H, W), equal to ``images`` where kept.
    """
    return _fill(images, kept, _STEPS)


def _masks(maps: np.ndarray) -> Iterator[np.ndarray]:
    """Yield what is kept, bool (H, W): for each map the least important pixels go first, then the most important."""
    # Ties would make one threshold cut all or nothing; a slope far below any difference breaks them.
    slope = np.linspace(0, 1e-6, maps[0].size, dtype=np.float32).reshape(maps[0].shape)
    for values in maps + slope:
        for order in (1 - values, values):
            for limit in np.percentile(order, _PERCENTILES):
                yield order < limit


def _fill(images: Tensor, kept: Tensor, steps: int) -> Tensor:
    height, width = kept.shape[-2:]
    if min(height, width) > _COARSEST:
        known = F.avg_pool2d(kept.float(), 2, ceil_mode=True, count_include_pad=False)
        coarse = F.avg_pool2d(images * kept, 2, ceil_mode=True, count_include_pad=False) / known.clamp(
            min=1e-6
        )
        below = _fill(coarse, known > 0, 2 * steps)
        start = F.interpolate(below, size=(height, width), mode="bilinear")
    else:
        start = (images * kept).sum((2, 3), keepdim=True) / kept.sum((2, 3), keepdim=True).clamp(min=1)
    return _solved(torch.where(kept, images, start), (~kept).float(), steps)


def _solved(filled: Tensor, hole: Tensor, steps: int) -> Tensor:
    """Bring the pixels of the holes closer to the mean of their neighbours, by conjugate gradients."""
    weight = _neighbours(torch.ones_like(hole[:1]))
    residual = (_neighbours(filled) - weight * filled) * hole
    direction, size = residual, _dot(residual, residual)
    for _ in range(steps):
        pull = (weight * direction - _neighbours(direction)) * hole
        length = size / _dot(direction, pull).clamp(min=1e-20)
        filled, residual = filled + length * direction, residual - length * pull
        before, size = size, _dot(residual, residual)
        direction = residual + size / before.clamp(min=1e-20) * direction
    return filled


def _neighbours(images: Tensor) -> Tensor:
    """Return the sum of the neighbours, a sixth of those beside and a twelfth of those across the corner."""
    padded = F.pad(images, (1, 1, 1, 1))
    rows = padded[..., :-2] + 2 * padded[..., 1:-1] + padded[..., 2:]
    square = rows[..., :-2, :] + 2 * rows[..., 1:-1, :] + rows[..., 2:, :]
    return (square - 4 * images) / 12


def _dot(one: Tensor, other: Tensor) -> Tensor:
    return (one * other).sum((2, 3), keepdim=True)
