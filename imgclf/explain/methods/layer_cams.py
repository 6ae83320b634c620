"""The methods of pytorch-grad-cam that differ only in how they weigh a layer's channels: one formula each."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
import pytorch_grad_cam as library
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import Tensor

from imgclf.explain.methods.library import layer_maps
from imgclf.models import Classifier, FeatureLayer


@final
@dataclass(frozen=True)
class LayerCam:
    """A weighing of a layer's channels that the library has under a class of its own.

    Attributes:
        name: what ``--method`` takes.
        title: as its authors write it.
        kind: the library's class.
        note: one line on what it does, with the paper.
        gradients: whether it needs the gradient of the class's logit.
        slow: what makes it slow, or an empty string.
    """

    name: str
    title: str
    kind: type
    note: str
    gradients: bool = True
    slow: str = ""
    by_layer: bool = True

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """See :class:`imgclf.explain.methods.Method`."""
        targets = [ClassifierOutputTarget(index) for index in classes]
        return layer_maps(self.kind, network, images, targets, layer, cut=self.gradients)


GRADCAM = LayerCam("gradcam", "Grad-CAM", library.GradCAM, "mean gradient weighs (Selvaraju et al. 2017)")
GRADCAM_PLUS_PLUS = LayerCam(
    "gradcam++",
    "Grad-CAM++",
    library.GradCAMPlusPlus,
    "second-order weights, for several objects (Chattopadhay et al. 2018)",
)
HIRESCAM = LayerCam(
    "hirescam", "HiResCAM", library.HiResCAM, "gradient times activation (Draelos, Carin 2020)"
)
LAYERCAM = LayerCam(
    "layercam", "LayerCAM", library.LayerCAM, "positive gradients, cell by cell (Jiang et al. 2021)"
)
XGRADCAM = LayerCam(
    "xgradcam", "XGrad-CAM", library.XGradCAM, "activation-normalised gradient (Fu et al. 2020)"
)
ELEMENTWISE = LayerCam(
    "elementwise",
    "Grad-CAM elementwise",
    library.GradCAMElementWise,
    "gradient times activation, positive cells only",
)
EIGENGRADCAM = LayerCam(
    "eigengradcam", "Eigen-Grad-CAM", library.EigenGradCAM, "first component of HiResCAM's product"
)
SEGEIGENCAM = LayerCam(
    "segeigencam", "Seg-Eigen-CAM", library.SegEigenCAM, "the same with its sign mended (Chung, Ying 2025)"
)
EIGENCAM = LayerCam(
    "eigencam",
    "Eigen-CAM",
    library.EigenCAM,
    "first component; the same for every class (Muhammad 2020)",
    gradients=False,
)
KPCACAM = LayerCam(
    "kpcacam", "KPCA-CAM", library.KPCA_CAM, "kernel component; the same for every class", gradients=False
)
FEM = LayerCam(
    "fem",
    "FEM",
    library.FEM,
    "rare activations; the same for every class (Fuad et al. 2020)",
    gradients=False,
)
SCORECAM = LayerCam(
    "scorecam",
    "Score-CAM",
    library.ScoreCAM,
    "no gradient: masks the image (Wang et al. 2020)",
    gradients=False,
    slow="asks the model once for each channel of a layer",
)
