"""FullGrad: all biases of a CNN, of every layer at once (Srinivas, Fleuret 2019)."""

from collections.abc import Sequence
from typing import final

import numpy as np
import pytorch_grad_cam
import torch
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor, nn

from imgclf.errors import ModelError
from imgclf.explain.methods.library import hooked, positive
from imgclf.models import Classifier, FeatureLayer


@final
class FullGrad:
    """Takes every layer with a bias, so none is chosen; its maps have the image's resolution."""

    name = "fullgrad"
    title = "FullGrad"
    note = "all biases of a CNN (Srinivas, Fleuret 2019); no layer"
    by_layer = False
    slow = ""

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        biased = (nn.Conv2d, nn.BatchNorm2d)  # these classes themselves: the library overlooks derived ones
        if not any(type(each) in biased and each.bias is not None for each in network.network.modules()):
            raise ModelError(
                f"FullGrad explains by the biases of convolutions and batch norms, and '{network.arch}' has none. "
                f"Use gradcam or layercam."
            )
        targets = [ClassifierOutputTarget(index) for index in classes]
        with torch.enable_grad(), hooked(lambda: _UnscaledFullGrad(network, [])) as cam:
            return positive(cam(images, targets))


class _UnscaledFullGrad(pytorch_grad_cam.FullGrad):  # type: ignore[misc]  # the library ships no types
    """The library's without its last stretching to [0, 1]; it sums all layers itself."""

    def aggregate_multi_layers(self, maps: np.ndarray) -> np.ndarray:
        total: np.ndarray = np.sum(maps, axis=1)
        return total
