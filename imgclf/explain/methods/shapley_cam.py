"""ShapleyCAM: gradient and Hessian (Cai 2025); it derives the gradient once more, so the graph stays whole."""

from collections.abc import Sequence
from typing import final

import numpy as np
from pytorch_grad_cam import ShapleyCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from imgclf.errors import ModelError
from imgclf.explain.methods.library import layer_maps
from imgclf.models import Classifier, FeatureLayer


@final
class ShapleyCam:
    """Weighs a channel by its Shapley value, to the second order."""

    name = "shapleycam"
    title = "ShapleyCAM"
    note = "gradient and Hessian (Cai 2025); channels first only"
    by_layer = True
    slow = ""

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        if layer is not None and layer.layout != "NCHW":
            raise ModelError(
                f"ShapleyCAM explains layers with the channels first only, but '{layer.name}' of '{network.arch}' is "
                f"{layer.layout}. Use gradcam or hirescam."
            )
        targets = [ClassifierOutputTarget(index) for index in classes]
        return layer_maps(ShapleyCAM, network, images, targets, layer, cut=False)
