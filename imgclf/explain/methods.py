"""The methods that can be chosen, by the names that ``--method`` takes."""

from dataclasses import dataclass
from typing import Literal

from imgclf.errors import UsageError, suggest

Kind = Literal["cam", "image"]


@dataclass(frozen=True)
class Method:
    """One way to a saliency map.

    Attributes:
        name: what ``--method`` takes.
        title: as its authors write it.
        kind: ``cam`` weighs the channels of a layer; ``image`` goes back to the pixels and has no layer.
        class_name: in ``pytorch_grad_cam``; an empty string for Captum's.
        gradients: whether it needs the gradient of the class's logit.
        passes: ``one`` or ``per channel``: how many times the network runs for an image.
        note: one line on what it does, with the paper.
    """

    name: str
    title: str
    kind: Kind
    class_name: str
    gradients: bool
    passes: Literal["one", "per channel", "many"]
    note: str


_ALL = (
    Method("gradcam", "Grad-CAM", "cam", "GradCAM", True, "one", "mean gradient weighs (Selvaraju et al. 2017)"),
    Method(
        "gradcam++", "Grad-CAM++", "cam", "GradCAMPlusPlus", True, "one",
        "second-order weights, for several objects (Chattopadhay et al. 2018)",
    ),
    Method("hirescam", "HiResCAM", "cam", "HiResCAM", True, "one", "gradient times activation (Draelos, Carin 2020)"),
    Method("layercam", "LayerCAM", "cam", "LayerCAM", True, "one", "positive gradients, cell by cell (Jiang et al. 2021)"),
    Method("xgradcam", "XGrad-CAM", "cam", "XGradCAM", True, "one", "activation-normalised gradient (Fu et al. 2020)"),
    Method(
        "elementwise", "Grad-CAM elementwise", "cam", "GradCAMElementWise", True, "one",
        "gradient times activation, positive cells only",
    ),
    Method("eigengradcam", "Eigen-Grad-CAM", "cam", "EigenGradCAM", True, "one", "first component of HiResCAM's product"),
    Method("segeigencam", "Seg-Eigen-CAM", "cam", "SegEigenCAM", True, "one", "the same with its sign mended (Chung, Ying 2025)"),
    Method("finercam", "Finer-CAM", "cam", "GradCAM", True, "one", "against the three nearest classes (Zhang et al. 2025)"),
    Method("shapleycam", "ShapleyCAM", "cam", "ShapleyCAM", True, "one", "gradient and Hessian (Cai 2025); channels first only"),
    Method("fullgrad", "FullGrad", "cam", "FullGrad", True, "one", "all biases of a CNN (Srinivas, Fleuret 2019); no layer"),
    Method("eigencam", "Eigen-CAM", "cam", "EigenCAM", False, "one", "first component; the same for every class (Muhammad 2020)"),
    Method("kpcacam", "KPCA-CAM", "cam", "KPCA_CAM", False, "one", "kernel component; the same for every class"),
    Method("fem", "FEM", "cam", "FEM", False, "one", "rare activations; the same for every class (Fuad et al. 2020)"),
    Method("scorecam", "Score-CAM", "cam", "ScoreCAM", False, "per channel", "no gradient: masks the image (Wang et al. 2020)"),
    Method(
        "ablationcam", "Ablation-CAM", "cam", "AblationCAM", False, "per channel",
        "no gradient: switches channels off (Desai, Ramaswamy 2020)",
    ),
    Method(
        "integrated-gradients", "Integrated gradients", "image", "", True, "many",
        "along the way from a blank image (Sundararajan et al. 2017); needs Captum",
    ),
    Method("shap", "SHAP", "image", "", True, "many", "GradientShap: expected gradients (Lundberg, Lee 2017); needs Captum"),
)  # fmt: skip

METHODS = {method.name: method for method in _ALL}


def choose_methods(names: str | tuple[str, ...]) -> tuple[Method, ...]:
    """Return the methods of these names.

    Args:
        names: some names, or one text with commas between them.

    Raises:
        UsageError: there is no such method, or none was named.
    """
    given = names.split(",") if isinstance(names, str) else list(names)
    wanted = [name.strip().lower() for name in given if name.strip()]
    if not wanted:
        raise UsageError(f"No method was named. Known: {', '.join(METHODS)}.")
    for name in wanted:
        if name not in METHODS:
            raise UsageError(f"Unknown method '{name}'.{suggest(name, METHODS)} Known: {', '.join(METHODS)}.")
    return tuple(METHODS[name] for name in dict.fromkeys(wanted))
