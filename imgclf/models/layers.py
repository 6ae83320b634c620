"""The layers that an explanation can look at, in the order in which images pass through them."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, Literal

import torch
from timm.layers.norm import LayerNorm2d, RmsNorm2d
from torch import Tensor, nn

from imgclf.errors import ModelError, suggest
from imgclf.models.classifier import Classifier

Layout = Literal["NCHW", "NHWC", "tokens"]

_NO_WORK = ("Identity", "Dropout", "DropPath")  # in eval mode they pass on what they get
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
_SMALLEST_MAP = 3  # a map of fewer cells a side shows hardly where


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


def feature_layers(classifier: Classifier, image_size: tuple[int, int]) -> list[FeatureLayer]:
    """List the feature layers in forward order.

    They are the modules without submodules whose output has places, without those that do nothing in eval mode
    and those inside attention. So ``feature_layers(vgg16, ...)[-3]`` is ``features[-3]``, its last convolution. A
    module that runs several times counts where it runs last.

    Args:
        classifier: on any device; its mode is kept.
        image_size: (height, width) of the input in pixels.
    """
    return _layers(_trace(classifier, image_size), classifier, image_size)


def choose_layer(
    classifier: Classifier, image_size: tuple[int, int], choice: int | str = "auto"
) -> FeatureLayer:
    """Return the layer to explain by.

    Args:
        classifier: on any device; its mode is kept.
        image_size: (height, width) of the input in pixels.
        choice: an index into :func:`feature_layers` (negative from the end), the name of any module of the
            network whose output has places, or ``auto``: the network's last features. There ``auto`` takes the
            first norm of the last block of a ViT, because under token pooling no gradient reaches the patches at
            its end, and goes back while a map has fewer than 3 cells a side.

    Raises:
        ModelError: there is no such layer, or its output has no places.
    """
    calls = _trace(classifier, image_size)
    layers = _layers(calls, classifier, image_size)
    if not layers:
        raise ModelError(f"The model '{classifier.arch}' has no layer whose output has places to explain by.")
    if isinstance(choice, int) or choice.lstrip("-").isdigit():
        return _by_index(classifier, layers, int(choice))
    if choice != "auto":
        return _by_name(classifier, calls, layers, image_size, choice)
    return _automatic(classifier, calls, layers, image_size)


@dataclass(frozen=True, eq=False)
class _Call:
    """A module's last run: what came out of it."""

    name: str
    module: nn.Module
    output: Any


def _trace(classifier: Classifier, image_size: tuple[int, int]) -> list[_Call]:
    """Run a blank image through the network's features and note every module's output, in order of completion."""
    network = classifier.network
    calls: dict[str, _Call] = {}
    device = next(classifier.parameters()).device
    was_training = classifier.training
    images = torch.zeros(1, _channels(classifier), *image_size, device=device)
    try:
        classifier.eval()
        with torch.no_grad(), _noting(network, calls):
            output = classifier.forward_features(images)
    finally:
        classifier.train(was_training)
    calls[""] = _Call("", network, output)
    return list(calls.values())


@contextmanager
def _noting(network: Any, calls: dict[str, _Call]) -> Iterator[None]:
    def note(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            calls.pop(name, None)  # The last run counts, and its place.
            calls[name] = _Call(name, module, output)

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def _channels(classifier: Classifier) -> int:
    return int(classifier.arch_args.get("in_chans", 3))


def _layers(calls: list[_Call], classifier: Classifier, image_size: tuple[int, int]) -> list[FeatureLayer]:
    attention = {
        name for name, module in classifier.network.named_modules() if "Attention" in type(module).__name__
    }
    layers: list[FeatureLayer] = []
    for call in calls:
        if any(call.module.children()) or type(call.module).__name__.startswith(_NO_WORK):
            continue
        if any(call.name.startswith(f"{each}.") for each in attention):
            continue
        layer = _layer(call, len(layers), layers[-1] if layers else None, classifier, image_size)
        if layer is not None:
            layers.append(layer)
    return _without_gates(layers)


def _without_gates(layers: list[FeatureLayer]) -> list[FeatureLayer]:
    """Drop single cells that larger maps follow: squeeze and excitation, not features."""
    kept: list[FeatureLayer] = []
    followed = False
    for layer in reversed(layers):
        if layer.grid == (1, 1) and followed:
            continue
        followed = followed or layer.grid != (1, 1)
        kept.append(layer)
    return [replace(layer, index=index) for index, layer in enumerate(reversed(kept))]


def _layer(
    call: _Call, index: int, before: FeatureLayer | None, classifier: Classifier, image_size: tuple[int, int]
) -> FeatureLayer | None:
    """Describe a module's output, or return None where it has no places."""
    output = call.output
    if not isinstance(output, Tensor) or output.shape[0] != 1:
        return None
    shape = tuple(output.shape)
    layout = _layout(call.module, shape, before, classifier)
    prefix = 0
    if layout == "tokens":
        prefix, grid = _token_grid(
            shape[1], int(getattr(classifier.network, "num_prefix_tokens", 0)), image_size
        )
    elif layout is not None:
        grid = (shape[2], shape[3]) if layout == "NCHW" else (shape[1], shape[2])
    if layout is None or grid is None or max(grid) > max(image_size):
        return None
    return FeatureLayer(index, call.name, call.module, shape, layout, grid, prefix)


def _layout(
    module: nn.Module, shape: tuple[int, ...], before: FeatureLayer | None, classifier: Classifier
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
    return "NHWC" if str(getattr(classifier.network, "output_fmt", "NCHW")).endswith("NHWC") else "NCHW"


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


def _by_index(classifier: Classifier, layers: list[FeatureLayer], index: int) -> FeatureLayer:
    if not -len(layers) <= index < len(layers):
        raise ModelError(
            f"The model '{classifier.arch}' has {len(layers)} feature layers: expected an index from "
            f"{-len(layers)} to {len(layers) - 1}, got {index}."
        )
    return layers[index]


def _by_name(
    classifier: Classifier,
    calls: list[_Call],
    layers: list[FeatureLayer],
    image_size: tuple[int, int],
    name: str,
) -> FeatureLayer:
    call = next((each for each in calls if each.name == name), None)
    if call is None:
        known = [each.name for each in layers]
        raise ModelError(
            f"The model '{classifier.arch}' has no layer '{name}' among its features.{suggest(name, known)} The last "
            f"ones: {', '.join(known[-5:])}."
        )
    layer = _described(classifier, calls, layers, image_size, call)
    if layer is None:
        raise ModelError(
            f"The output of layer '{name}' of '{classifier.arch}' has no places to explain by. The last that have: "
            f"{', '.join(each.name for each in layers[-5:])}."
        )
    return layer


def _described(
    classifier: Classifier,
    calls: list[_Call],
    layers: list[FeatureLayer],
    image_size: tuple[int, int],
    call: _Call,
) -> FeatureLayer | None:
    """Describe a module that may be a block; it has the index and the layout of the last layer inside or before."""
    names = [each.name for each in calls[: calls.index(call) + 1]]
    inside = [each for each in layers if each.name in names]
    before = inside[-1] if inside else None
    return _layer(call, before.index if before else 0, before, classifier, image_size)


def _automatic(
    classifier: Classifier, calls: list[_Call], layers: list[FeatureLayer], image_size: tuple[int, int]
) -> FeatureLayer:
    by_name = {each.name: each for each in calls}
    names = [*_vit_norm(classifier), *_last_features(classifier, calls), *reversed(_levels(classifier))]
    found = [
        layer
        for name in names
        if name in by_name
        and (layer := _described(classifier, calls, layers, image_size, by_name[name])) is not None
    ]
    clear = [layer for layer in found if min(layer.grid) >= _SMALLEST_MAP]
    if not clear:
        clear = [layer for layer in reversed(layers) if min(layer.grid) >= _SMALLEST_MAP]
    return (clear or found or layers[-1:])[0]


def _vit_norm(classifier: Classifier) -> list[str]:
    """Return the first norm of the last block where the features are tokens."""
    blocks = getattr(classifier.network, "blocks", None)
    if (
        isinstance(blocks, nn.Sequential | nn.ModuleList)
        and len(blocks)
        and "norm1" in dict(blocks[-1].named_children())
    ):
        return [f"blocks.{len(blocks) - 1}.norm1"]
    return []


def _levels(classifier: Classifier) -> list[str]:
    """Return the module names of timm's ``feature_info``, from the first to the last."""
    levels = getattr(classifier.network, "feature_info", None) or []
    levels = getattr(levels, "info", levels)
    return [str(level["module"]) for level in levels if level.get("module")]


def _last_features(classifier: Classifier, calls: list[_Call]) -> list[str]:
    """Return the module that made the last features where timm's last level has other channels (EfficientNet)."""
    levels = _levels(classifier)
    last = calls[-1].output
    by_name = {each.name: each for each in calls}
    if not isinstance(last, Tensor) or not levels or levels[-1] not in by_name:
        return [each.name for each in calls[:-1] if each.output is last][-1:]
    if by_name[levels[-1]].output.shape == last.shape:
        return [levels[-1]]
    return [each.name for each in calls[:-1] if each.output is last][-1:]
