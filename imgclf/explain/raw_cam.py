"""pytorch-grad-cam's methods without their stretching of every map to [0, 1]."""

from functools import cache
from typing import Any

import numpy as np
import pytorch_grad_cam
import torch
from torch import Tensor, nn


class _Raw:
    """Makes a method of the library give its maps unscaled.

    The library stretches every map to [0, 1], so that one without any evidence looks like one full of it.
    """

    target_layers: list[nn.Module]
    activations_and_grads: Any
    detach: bool

    def compute_cam_per_layer(self, input_tensor: Tensor, targets: Any, eigen_smooth: bool) -> np.ndarray:
        # The last of each: a module that runs several times counts where it runs last.
        activations: Any = self.activations_and_grads.activations[-1]
        gradients: Any = (self.activations_and_grads.gradients or [torch.zeros_like(activations)])[-1]
        if self.detach:
            activations, gradients = activations.float().numpy(), gradients.float().numpy()
        elif not gradients.requires_grad:
            # After a layer with only linear ones behind it the gradient is a constant, and ShapleyCAM, which wants
            # to derive it once more, would fail instead of finding zero.
            gradients = gradients + 0 * activations
        image: Any = self.get_cam_image  # type: ignore[attr-defined]
        maps: np.ndarray = image(
            input_tensor, self.target_layers[0], targets, activations, gradients, eigen_smooth
        )
        return maps

    def aggregate_multi_layers(self, maps: np.ndarray) -> np.ndarray:
        positive: np.ndarray = np.maximum(maps, 0)
        return positive


class _RawFullGrad(pytorch_grad_cam.FullGrad):  # type: ignore[misc]  # the library ships no types
    """FullGrad without the last stretching; it sums all layers itself."""

    def aggregate_multi_layers(self, maps: np.ndarray) -> np.ndarray:
        total: np.ndarray = np.sum(maps, axis=1)
        return total


@cache
def raw_method(name: str) -> Any:
    """Return the library's class of that name, giving its maps unscaled."""
    if name == "FullGrad":
        return _RawFullGrad
    return type(f"Raw{name}", (_Raw, getattr(pytorch_grad_cam, name)), {})
