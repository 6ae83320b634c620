"""Maps of one layer through pytorch-grad-cam: as they are before any rescaling, and no hook left behind.

All that is changed in the library stands here.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from functools import cache
from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from pytorch_grad_cam import ablation_cam, score_cam
from torch import Tensor, nn

from imgclf.errors import UsageError
from imgclf.models import Classifier, FeatureLayer

_MASKS_AT_ONCE = 32  # images in a pass of the methods that run once per channel

# Both draw a progress bar of their own for every single image.
score_cam.tqdm = ablation_cam.tqdm = SimpleNamespace(tqdm=iter)


def layer_maps(
    kind: type,
    network: Classifier,
    images: Tensor,
    targets: Sequence[Any],
    layer: FeatureLayer | None,
    *,
    cut: bool = True,
    **extra: Any,
) -> np.ndarray:
    """Return what a layer holds that speaks for each image's target.

    Negative evidence is cut to zero, as the methods do; nothing else is rescaled, so a map of zeros stays one.

    Args:
        kind: a method's class in the library.
        network: its parameters may be frozen.
        images: (N, C, H, W), normalised.
        targets: what is explained in each image, in the library's terms.
        layer: of this very network.
        cut: let gradients begin at the layer: the network below it needs none, which saves memory and time.
        extra: arguments of the class.

    Returns:
        float32 (N, h, w) of the layer's own resolution, 0 and up.

    Raises:
        UsageError: there is no layer.
    """
    if layer is None:
        raise UsageError(f"{kind.__name__} explains by a layer: choose one with Explainer.layer().")
    with torch.enable_grad(), ExitStack() as stack:
        # Ablation-CAM puts another module in the layer's place, and after an error would leave it there.
        stack.callback(setattr, *_place(network, layer.module), layer.module)
        if cut:
            stack.enter_context(_hook(layer, lambda _, __, output: output.detach().requires_grad_()))
        cam = stack.enter_context(
            hooked(lambda: _unscaled(kind)(network, [layer.module], _channels_first(layer), **extra))
        )
        if cut:  # A copy is handed on, so that an in-place activation does not change what the library keeps.
            stack.enter_context(_hook(layer, lambda _, __, output: output.clone()))
        cam.batch_size = _MASKS_AT_ONCE
        return positive(cam(images, list(targets)))


@contextmanager
def hooked(make: Callable[[], Any]) -> Iterator[Any]:
    """Make one of the library's methods, which sets hooks, and remove them whatever happens.

    Not with the library's own ``with``: that prints and swallows an IndexError.
    """
    cam = make()
    try:
        yield cam
    finally:
        cam.activations_and_grads.release()


def positive(maps: np.ndarray) -> np.ndarray:
    """Return maps as float32 without what speaks against the class."""
    cut: np.ndarray = np.nan_to_num(np.maximum(maps, 0)).astype(np.float32)
    return cut


class _Unscaled:
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
        return maps


@cache
def _unscaled(kind: type) -> Any:
    return type(f"Unscaled{kind.__name__}", (_Unscaled, kind), {})


@contextmanager
def _hook(layer: FeatureLayer, function: Callable[[nn.Module, Any, Tensor], Tensor]) -> Iterator[None]:
    hook = layer.module.register_forward_hook(function)
    try:
        yield
    finally:
        hook.remove()


def _place(network: Classifier, wanted: nn.Module) -> tuple[nn.Module, str]:
    """Return the module that holds a layer, and the layer's name there."""
    return next(
        (module, name)
        for module in network.modules()
        for name, child in module.named_children()
        if child is wanted
    )


def _channels_first(layer: FeatureLayer) -> Callable[[Tensor], Tensor] | None:
    """Return what turns a layer's output into (N, C, h, w); None where it is so already.

    Tokens that stand for no place (class, register and distillation tokens) are dropped.
    """
    if layer.layout == "NCHW":
        return None
    if layer.layout == "NHWC":
        return lambda output: output.permute(0, 3, 1, 2)
    height, width = layer.grid

    def from_tokens(output: Tensor) -> Tensor:
        places = output[:, layer.prefix_tokens :]
        return places.transpose(1, 2).reshape(len(places), -1, height, width)

    return from_tokens
