"""Finer-CAM: what speaks for a class and not for those most like it (Zhang et al. 2025)."""

from collections.abc import Sequence
from typing import final

import numpy as np
import torch
from pytorch_grad_cam import GradCAM
from pytorch_grad_cam.utils.model_targets import FinerWeightedTarget
from torch import Tensor

from imgclf.explain.methods.library import layer_maps
from imgclf.models import Classifier, FeatureLayer

_RIVALS = 3  # a class is compared with so many of the nearest ones


@final
class FinerCam:
    """Grad-CAM of a class's lead over the three classes with the nearest logits."""

    name = "finercam"
    title = "Finer-CAM"
    note = "against the three nearest classes (Zhang et al. 2025)"
    by_layer = True
    slow = ""

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        with torch.inference_mode():
            logits = network(images).float().cpu().numpy()
        targets = []
        for row, index in zip(logits, classes, strict=True):
            nearest = [int(each) for each in np.argsort(np.abs(row - row[index])) if each != index]
            targets.append(FinerWeightedTarget(index, nearest[:_RIVALS], 1.0))
        return layer_maps(GradCAM, network, images, targets, layer)
