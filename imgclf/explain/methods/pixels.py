"""Maps of the pixels themselves, through Captum: integrated gradients and SHAP.

Contributions are summed over the colours; what speaks against the class is cut to zero.
"""

from collections.abc import Sequence
from typing import Any, final

import numpy as np
import torch
from torch import Tensor

from imgclf.errors import MissingExtraError
from imgclf.models import Classifier, FeatureLayer

_STEPS = 32
_SAMPLES = 24
_SEED = 0


@final
class IntegratedGradients:
    """Sundararajan et al. (2017): along the way from an image of the mean colour, in 32 steps."""

    name = "integrated-gradients"
    title = "Integrated gradients"
    note = "along the way from a blank image (Sundararajan et al. 2017); needs Captum"
    by_layer = False
    slow = ""

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        way = _captum(self.name).IntegratedGradients(network)
        with torch.enable_grad():
            given, targets = _given(images, classes)
            return _summed(
                way.attribute(given, 0.0, targets, n_steps=_STEPS, internal_batch_size=len(images))
            )


@final
class Shap:
    """SHAP's expected gradients (Lundberg and Lee 2017) against black, mean and white, with 24 samples."""

    name = "shap"
    title = "SHAP"
    note = "GradientShap: expected gradients (Lundberg, Lee 2017); needs Captum"
    by_layer = False
    slow = ""

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`. The samples have a seed of their own."""
        way = _captum(self.name).GradientShap(network)
        # Captum draws from both NumPy's and torch's global generators: they are left as they were.
        numpy_state = np.random.get_state()  # noqa: NPY002
        with torch.random.fork_rng(devices=[images.device] if images.is_cuda else []), torch.enable_grad():
            given, targets = _given(images, classes)
            mean = torch.zeros_like(given[:1])
            baselines = torch.cat([given.detach().amin() + mean, mean, given.detach().amax() + mean])
            try:
                torch.manual_seed(_SEED)
                np.random.seed(_SEED)  # noqa: NPY002
                return _summed(way.attribute(given, baselines, n_samples=_SAMPLES, target=targets))
            finally:
                np.random.set_state(numpy_state)  # noqa: NPY002


def _captum(method: str) -> Any:
    try:
        from captum import attr  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise MissingExtraError(f"The method '{method}'", "captum") from None
    return attr


def _given(images: Tensor, classes: Sequence[int]) -> tuple[Tensor, Tensor]:
    return images.detach().contiguous().requires_grad_(), torch.tensor(list(classes), device=images.device)


def _summed(contributions: Tensor) -> np.ndarray:
    maps: np.ndarray = contributions.detach().sum(1).clamp(min=0).float().cpu().numpy()
    return maps
