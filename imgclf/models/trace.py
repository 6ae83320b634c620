"""One look through a network: the layers that an explanation can look at, and the choice among them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any, final

import torch
from torch import Tensor, nn

from imgclf.errors import ModelError, suggest
from imgclf.models.classifier import Classifier
from imgclf.models.layers import Call, FeatureLayer, described

_NO_WORK = ("Identity", "Dropout", "DropPath")  # in eval mode they pass on what they get
_SMALLEST_MAP = 3  # a map of fewer cells a side shows hardly where


@final
@dataclass(frozen=True, eq=False)
class Trace:
    """What came out of every module when one image passed through a network. Made by :meth:`of`, by one pass.

    Attributes:
        classifier: whose network it is.
        image_size: (height, width) of the input in pixels.
        calls: each module's last run, in order of completion; the network itself last.
        layers: the feature layers in forward order: the modules without submodules whose output has places, without
            those that do nothing in eval mode and those inside attention. So ``layers[-3]`` of a VGG16 is
            ``features[-3]``, its last convolution. A module that runs several times counts where it runs last.
    """

    classifier: Classifier
    image_size: tuple[int, int]
    calls: tuple[Call, ...]
    layers: tuple[FeatureLayer, ...]

    @classmethod
    def of(cls, classifier: Classifier, image_size: tuple[int, int]) -> "Trace":
        """Run a blank image through the network's features.

        Args:
            classifier: on any device; its mode is kept.
            image_size: (height, width) of the input in pixels.
        """
        calls = _calls(classifier, image_size)
        return cls(classifier, image_size, calls, _layers(calls, classifier.network, image_size))

    def choose(self, choice: int | str = "auto") -> FeatureLayer:
        """Return the layer to explain by.

        Args:
            choice: an index into the layers (negative from the end), the name of any module of the network whose
                output has places, or ``auto``: the network's last features. There ``auto`` takes the first norm of the
                last block of a ViT, because under token pooling no gradient reaches the patches at its end, and goes
                back while a map has fewer than 3 cells a side.

        Raises:
            ModelError: there is no such layer, or its output has no places.
        """
        if not self.layers:
            raise ModelError(f"The model '{self._arch}' has no layer whose output has places to explain by.")
        if isinstance(choice, int) or choice.lstrip("-").isdigit():
            return self._by_index(int(choice))
        return self._automatic() if choice == "auto" else self._by_name(choice)

    @property
    def _arch(self) -> str:
        return self.classifier.arch

    def _by_index(self, index: int) -> FeatureLayer:
        count = len(self.layers)
        if not -count <= index < count:
            raise ModelError(
                f"The model '{self._arch}' has {count} feature layers: expected an index from {-count} to {count - 1}, "
                f"got {index}."
            )
        return self.layers[index]

    def _by_name(self, name: str) -> FeatureLayer:
        known = [each.name for each in self.layers]
        if name not in [each.name for each in self.calls]:
            raise ModelError(
                f"The model '{self._arch}' has no layer '{name}' among its features.{suggest(name, known)} The last "
                f"ones: {', '.join(known[-5:])}."
            )
        layer = self._named(name)
        if layer is None:
            raise ModelError(
                f"The output of layer '{name}' of '{self._arch}' has no places to explain by. The last that have: "
                f"{', '.join(known[-5:])}."
            )
        return layer

    def _automatic(self) -> FeatureLayer:
        network = self.classifier.network
        names = [*_vit_norm(network), *_last_features(network, self.calls), *reversed(_levels(network))]
        found = [layer for name in names if (layer := self._named(name)) is not None]
        clear = [layer for layer in [*found, *reversed(self.layers)] if min(layer.grid) >= _SMALLEST_MAP]
        return (clear or found or self.layers[-1:])[0]

    def _named(self, name: str) -> FeatureLayer | None:
        """Describe a module that may be a block; it has the index and the layout of the last layer inside or before."""
        names = [each.name for each in self.calls]
        if name not in names:
            return None
        place = names.index(name)
        inside = [each for each in self.layers if each.name in names[: place + 1]]
        before = inside[-1] if inside else None
        index = before.index if before else 0
        return described(self.calls[place], index, before, self.classifier.network, self.image_size)


def _calls(classifier: Classifier, image_size: tuple[int, int]) -> tuple[Call, ...]:
    """Note every module's output for a blank image."""
    calls: dict[str, Call] = {}
    device = next(classifier.parameters()).device
    was_training = classifier.training
    images = torch.zeros(1, int(classifier.arch_args.get("in_chans", 3)), *image_size, device=device)
    try:
        classifier.eval()
        with torch.no_grad(), _noting(classifier.network, calls):
            output = classifier.forward_features(images)
    finally:
        classifier.train(was_training)
    return (*calls.values(), Call("", classifier.network, output))


@contextmanager
def _noting(network: Any, calls: dict[str, Call]) -> Iterator[None]:
    def note(name: str) -> Any:
        def hook(module: nn.Module, _: Any, output: Any) -> None:
            calls.pop(name, None)  # The last run counts, and its place.
            calls[name] = Call(name, module, output)

        return hook

    hooks = [module.register_forward_hook(note(name)) for name, module in network.named_modules() if name]
    try:
        yield
    finally:
        for each in hooks:
            each.remove()


def _layers(calls: Sequence[Call], network: Any, image_size: tuple[int, int]) -> tuple[FeatureLayer, ...]:
    attention = tuple(
        f"{name}." for name, module in network.named_modules() if "Attention" in type(module).__name__
    )
    layers: list[FeatureLayer] = []
    for call in calls:
        if any(call.module.children()) or type(call.module).__name__.startswith(_NO_WORK):
            continue
        if call.name.startswith(attention):
            continue
        layer = described(call, len(layers), layers[-1] if layers else None, network, image_size)
        if layer is not None:
            layers.append(layer)
    return _without_gates(layers)


def _without_gates(layers: list[FeatureLayer]) -> tuple[FeatureLayer, ...]:
    """Drop single cells that larger maps follow: squeeze and excitation, not features."""
    kept: list[FeatureLayer] = []
    followed = False
    for layer in reversed(layers):
        if layer.grid == (1, 1) and followed:
            continue
        followed = followed or layer.grid != (1, 1)
        kept.append(layer)
    return tuple(replace(layer, index=index) for index, layer in enumerate(reversed(kept)))


def _vit_norm(network: Any) -> list[str]:
    """Return the first norm of the last block where the features are tokens."""
    blocks = getattr(network, "blocks", None)
    if (
        isinstance(blocks, nn.Sequential | nn.ModuleList)
        and len(blocks)
        and "norm1" in dict(blocks[-1].named_children())
    ):
        return [f"blocks.{len(blocks) - 1}.norm1"]
    return []


def _levels(network: Any) -> list[str]:
    """Return the module names of timm's ``feature_info``, from the first to the last."""
    levels = getattr(network, "feature_info", None) or []
    levels = getattr(levels, "info", levels)
    return [str(level["module"]) for level in levels if level.get("module")]


def _last_features(network: Any, calls: Sequence[Call]) -> list[str]:
    """Return the module that made the last features where timm's last level has other channels (EfficientNet)."""
    levels = _levels(network)
    last = calls[-1].output
    by_name = {each.name: each for each in calls}
    if not isinstance(last, Tensor) or not levels or levels[-1] not in by_name:
        return [each.name for each in calls[:-1] if each.output is last][-1:]
    if by_name[levels[-1]].output.shape == last.shape:
        return [levels[-1]]
    return [each.name for each in calls[:-1] if each.output is last][-1:]
