"""Maps of one layer through pytorch-grad-cam: as they are before any rescaling, and no hook left behind."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import ablation_cam, score_cam
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget, FinerWeightedTarget
from torch import Tensor, nn

from imgclf.errors import ModelError
from imgclf.explain.ablation import ZeroChannels
from imgclf.explain.layout import channels_first
from imgclf.explain.methods import Method
from imgclf.explain.raw_cam import raw_method
from imgclf.models import Classifier, FeatureLayer

_RIVALS = 3  # Finer-CAM compares a class with so many of the nearest ones
_MASKS_AT_ONCE = 32  # images in a pass of the methods that run once per channel

# Both draw a progress bar of their own for every single image.
score_cam.tqdm = ablation_cam.tqdm = SimpleNamespace(tqdm=iter)


def cam_maps(
    classifier: Classifier,
    images: Tensor,
    classes: Sequence[int],
    method: Method,
    layer: FeatureLayer,
    *,
    smooth: bool = False,
) -> np.ndarray:
    """Return what a layer holds that speaks for a class.

    Negative evidence is cut to zero, as the methods do; nothing else is rescaled, so a map of zeros stays one.

    Args:
        classifier: its parameters may be frozen. Nobody else may use it meanwhile: hooks stand in it.
        images: (N, C, H, W), normalised.
        classes: N class indices; the logit of each is explained.
        method: of kind ``cam``.
        layer: of this very classifier.
        smooth: average over flips and three strengths of contrast (test-time augmentation).

    Returns:
        float32 (N, h, w) of the layer's own resolution (FullGrad: of the image's), 0 and up.

    Raises:
        ModelError: the method cannot explain such a network or layer.
    """
    _check(classifier, method, layer)
    targets = _targets(classifier, images, classes, method)
    needs_graph = method.class_name in ("ShapleyCAM", "FullGrad")
    cut = method.gradients and not needs_graph
    with torch.enable_grad(), _hooked(classifier, method, layer, cut=cut) as cam:
        maps: np.ndarray = cam(images, targets, aug_smooth=smooth)
    positive: np.ndarray = np.nan_to_num(np.maximum(maps, 0)).astype(np.float32)
    return positive


def _check(classifier: Classifier, method: Method, layer: FeatureLayer) -> None:
    if method.class_name == "ShapleyCAM" and layer.layout != "NCHW":
        raise ModelError(
            f"ShapleyCAM explains layers with the channels first only, but '{layer.name}' of '{classifier.arch}' is "
            f"{layer.layout}. Use gradcam or hirescam."
        )
    if method.class_name == "FullGrad" and not any(
        type(module) in (nn.Conv2d, nn.BatchNorm2d) and module.bias is not None
        for module in classifier.network.modules()
        if isinstance(module, nn.Conv2d | nn.BatchNorm2d)
    ):
        raise ModelError(
            f"FullGrad explains by the biases of convolutions and batch norms, and '{classifier.arch}' has none. "
            f"Use gradcam or layercam."
        )


def _targets(classifier: Classifier, images: Tensor, classes: Sequence[int], method: Method) -> list[Any]:
    """Return what is explained: a class's logit, or for Finer-CAM its lead over the nearest classes."""
    if method.name != "finercam":
        return [ClassifierOutputTarget(index) for index in classes]
    with torch.inference_mode():
        logits = classifier(images).float().cpu().numpy()
    targets = []
    for row, index in zip(logits, classes, strict=True):
        nearest = [int(each) for each in np.argsort(np.abs(row - row[index])) if each != index]
        targets.append(FinerWeightedTarget(index, nearest[:_RIVALS], 1.0))
    return targets


@contextmanager
def _hooked(classifier: Classifier, method: Method, layer: FeatureLayer, *, cut: bool) -> Iterator[Any]:
    """Set the hooks and remove them whatever happens.

    Not with the library's own ``with``: that prints and swallows an IndexError.

    With ``cut``, gradients begin at the layer: the network below it needs none, which saves memory and time. Two
    hooks stand around the library's: the first makes the output a leaf of the graph, the last hands on a copy, so
    that an in-place activation after the layer does not change what the library keeps.
    """
    extra = {"ablation_layer": ZeroChannels(layer)} if method.class_name == "AblationCAM" else {}
    layers, transform = [layer.module], channels_first(layer)
    if (
        method.class_name == "FullGrad"
    ):  # It takes every layer with a bias, and those have the channels first.
        layers, transform = [], None
    owner, name = _place(classifier, layer.module)
    with ExitStack() as stack:
        if cut:
            leaf = layer.module.register_forward_hook(lambda _, __, output: output.detach().requires_grad_())
            stack.callback(leaf.remove)
        cam = raw_method(method.class_name)(classifier, layers, transform, **extra)
        stack.callback(cam.activations_and_grads.release)
        # Ablation-CAM puts another module in the layer's place, and after an error would leave it there.
        stack.callback(setattr, owner, name, layer.module)
        if cut:
            copy = layer.module.register_forward_hook(lambda _, __, output: output.clone())
            stack.callback(copy.remove)
        cam.batch_size = _MASKS_AT_ONCE
        yield cam


def _place(classifier: Classifier, wanted: nn.Module) -> tuple[nn.Module, str]:
    """Return the module that holds a layer, and the layer's name there."""
    return next(
        (module, name)
        for module in classifier.modules()
        for name, child in module.named_children()
        if child is wanted
    )
