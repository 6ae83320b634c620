"""Maps of the pixels themselves, through Captum: integrated gradients and SHAP."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor

from imgclf.errors import MissingExtraError
from imgclf.explain.methods import Method
from imgclf.models import Classifier

_STEPS = 32
_SAMPLES = 24


def pixel_maps(
    classifier: Classifier, images: Tensor, classes: Sequence[int], method: Method, *, seed: int = 0
) -> np.ndarray:
    """Return how much each pixel speaks for a class's logit, against an image of the mean colour.

    Contributions are summed over the colours; what speaks against the class is cut to zero.

    Args:
        classifier: its parameters may be frozen.
        images: (N, C, H, W), normalised: zero is the mean colour of the data it was trained on.
        classes: N class indices.
        method: of kind ``image``: integrated gradients (Sundararajan et al. 2017, 32 steps) or SHAP's expected
            gradients (Lundberg and Lee 2017; black, mean and white, 24 samples).
        seed: of SHAP's samples.

    Returns:
        float32 (N, H, W), 0 and up.

    Raises:
        MissingExtraError: Captum is not installed.
    """
    try:
        from captum import attr  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise MissingExtraError(f"The method '{method.name}'", "captum") from None
    targets = torch.tensor(list(classes), device=images.device)
    with torch.enable_grad():
        given = images.detach().contiguous().requires_grad_()
        if method.name == "shap":
            contributions = _shap(attr, classifier, given, targets, seed)
        else:
            way = attr.IntegratedGradients(classifier)
            contributions = way.attribute(
                given, 0.0, targets, n_steps=_STEPS, internal_batch_size=len(images)
            )
    maps: np.ndarray = contributions.detach().sum(1).clamp(min=0).float().cpu().numpy()
    return maps


def _shap(attr: Any, classifier: Classifier, images: Tensor, targets: Tensor, seed: int) -> Tensor:
    """Draw with a seed of its own, and leave the global generators as they were."""
    # Captum draws from both NumPy's and torch's global generators.
    numpy_state = np.random.get_state()  # noqa: NPY002
    with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []):
        try:
            torch.manual_seed(seed)
            np.random.seed(seed)  # noqa: NPY002
            mean = torch.zeros_like(images[:1])
            baselines = torch.cat([images.amin() + mean, mean, images.amax() + mean])
            result: Tensor = attr.GradientShap(classifier).attribute(
                images, baselines, n_samples=_SAMPLES, target=targets
            )
        finally:
            np.random.set_state(numpy_state)  # noqa: NPY002
    return result
