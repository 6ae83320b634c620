"""A layer whose output still has places, and how a module's output is told to be one."""

from dataclasses import dataclass
from typing import Any, Literal

from timm.layers.norm import LayerNorm2d, RmsNorm2d
from torch import Tensor, nn

Layout = Literal["NCHW", "NHWC", "tokens"]

_CHANNELS_FIRST = (
    nn.Conv2d,
    nn.modules.batchnorm._BatchNorm,
    nn.MaxPool2d,
    nn.AvgPool2d,
    nn.GroupNorm,
    LayerNorm2d,
    RmsNorm2d,
)
_CHANNELS_LAST = (nn.Linear, nn.LayerNorm)
_DISTORTED = (
    1.34  # patches are cut off at the border, so a grid's proportions differ a little from the image's
)


@dataclass(frozen=True, eq=False)
class FeatureLayer:
    """A layer whose output still has places: a feature map or a grid of tokens.

    Attributes:
        index: place in forward order, from 0; ``index - count`` is its negative index. A block of several layers
            has the index of its last one.
        name: the module's name inside timm's network ("features.28", "layer4").
        module: the layer itself, a submodule of the classifier's network.
        output_shape: of one image: (1, C, H, W), (1, H, W, C) or (1, T, C).
        layout: ``NCHW``, ``NHWC`` or ``tokens``.
        grid: (height, width) of the map or of the grid of tokens.
        prefix_tokens: tokens before the grid's that stand for no place (class, register and distillation tokens).
    """

    index: int
    name: str
    module: nn.Module
    output_shape: tuple[int, ...]
    layout: Layout
    grid: tuple[int, int]
    prefix_tokens: int = 0


@dataclass(frozen=True, eq=False)
class Call:
    """A module's last run.

    Attributes:
        name: the module's, inside timm's network; empty for the network itself.
        module: which ran.
        output: what came out of it.
    """

    name: str
    module: nn.Module
    output: Any


def described(
    call: Call, index: int, before: FeatureLayer | None, network: Any, image_size: tuple[int, int]
) -> FeatureLayer | None:
    """Describe a module's output, or return None where it has no places.

    Args:
        call: the module's run on one image.
        index: of the layer to be.
        before: the layer that ran before it, whose layout an activation keeps.
        network: timm's.
        image_size: (height, width) of the input in pixels.
    """
    output = call.output
    if not isinstance(output, Tensor) or output.shape[0] != 1:
        return None
    shape = tuple(output.shape)
    layout = _layout(call.module, shape, before, network)
    prefix, grid = 0, None
    if layout == "tokens":
        prefix, grid = _token_grid(shape[1], int(getattr(network, "num_prefix_tokens", 0)), image_size)
    elif layout is not None:
        grid = (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])
    if layout is None or grid is None or max(grid) > max(image_size):
        return None
    return FeatureLayer(index, call.name, call.module, shape, layout, grid, prefix)


def _layout(
    module: nn.Module, shape: tuple[int, ...], before: FeatureLayer | None, network: Any
) -> Layout | None:
    """Tell by the kind of module where the channels are; an activation keeps the layout of the layer before it."""
    if len(shape) == 3:
        return "tokens"
    if len(shape) != 4:
        return None
    if isinstance(module, _CHANNELS_FIRST):
        return "NCHW"
    if isinstance(module, _CHANNELS_LAST):
        return "NHWC"
    if before is not None and before.output_shape == shape:
        return before.layout
    return "NHWC" if str(getattr(network, "output_fmt", "NCHW")).endswith("NHWC") else "NCHW"


def _token_grid(
    tokens: int, prefix_tokens: int, image_size: tuple[int, int]
) -> tuple[int, tuple[int, int] | None]:
    """Return how many tokens are prefixes, and the grid of the others in the image's proportions, or None.

    Some networks (XCiT) put their class token in front only in the last blocks: both are tried.
    """
    best: tuple[float, int, tuple[int, int]] | None = None
    for prefix in dict.fromkeys((prefix_tokens, 0)):
        for height in range(1, tokens - prefix + 1):
            if (tokens - prefix) % height:
                continue
            width = (tokens - prefix) // height
            distortion = (height / width) / (image_size[0] / image_size[1])
            distortion = max(distortion, 1 / distortion)
            if distortion < _DISTORTED and (best is None or distortion < best[0]):
                best = (distortion, prefix, (height, width))
    return (best[1], best[2]) if best else (0, None)
