"""A layer's output, whatever its layout, as a map with the channels first."""

from collections.abc import Callable

from torch import Tensor

from imgclf.models import FeatureLayer


def channels_first(layer: FeatureLayer) -> Callable[[Tensor], Tensor] | None:
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
