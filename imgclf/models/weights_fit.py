"""Fit the weights of a file into a network: what has the same name and shape is taken, the rest is told."""

import sys
from collections.abc import Mapping
from typing import Any

from timm.models import adapt_input_conv
from torch import Tensor

from imgclf.errors import ModelError
from imgclf.models.weights_file import WeightsFile

_ENOUGH = 0.5  # below this share of matching tensors the file is another architecture's
_SHOWN = 3  # names listed in a message


def fit_weights(network: Any, file: WeightsFile, arch: str) -> str:
    """Load a weights file into a network, in place.

    The classifier is left as it is where the file's has another number of classes; the first convolution is
    adapted to the number of colour channels, positions of a ViT to its image size.

    Args:
        network: a timm model on the CPU.
        file: the weights.
        arch: the network's name, for the message.

    Returns:
        A note that says what was loaded.

    Raises:
        ModelError: the file holds the weights of another architecture.
    """
    own = network.state_dict()
    given = _adapt(network, dict(file.tensors))
    fitting = {name: value for name, value in given.items() if name in own and value.shape == own[name].shape}
    head = [name for name in own if _is_classifier(network, name)]
    body = [name for name in own if name not in head and not name.endswith("num_batches_tracked")]
    loaded = [name for name in body if name in fitting]
    if len(loaded) < _ENOUGH * len(body):
        raise ModelError(_other_architecture(file, arch, given, own, f"{len(loaded)} of {len(body)}"))
    network.load_state_dict(fitting, strict=False)
    start = f"Loaded {len(loaded)} of {len(body)} tensors of '{arch}' from {file.path.name}"
    if not head:
        return f"{start}."
    if all(name in fitting for name in head):
        return f"{start}, and the classifier."
    return f"{start}; the classifier starts anew{_class_counts(given, own, head)}."


def _adapt(network: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    # timm's convention: the module of an architecture has the function that brings foreign names and
    # position embeddings into the network's form.
    module = sys.modules[type(network).__module__]
    convert = getattr(module, "checkpoint_filter_fn", None) or getattr(module, "_filter_fn", None)
    if convert is not None:
        try:
            tensors = dict(convert(dict(tensors), network))
        except Exception:  # Made for its own architecture's weights; others are told apart below.
            return tensors
    own = network.state_dict()
    for convolution in _as_tuple(network.pretrained_cfg.get("first_conv")):
        name = f"{convolution}.weight"
        if name in tensors and name in own and tensors[name].shape != own[name].shape:
            tensors[name] = _with_channels(tensors[name], own[name])
    return tensors


def _with_channels(weight: Tensor, own: Tensor) -> Tensor:
    if weight.ndim != 4 or weight.shape[1] not in (1, 3) or own.shape[1] not in (1, 3):
        return weight
    adapted: Tensor = adapt_input_conv(own.shape[1], weight, base_chans=weight.shape[1])
    return adapted


def _is_classifier(network: Any, name: str) -> bool:
    return any(name.startswith(f"{each}.") for each in _as_tuple(network.pretrained_cfg.get("classifier")))


def _as_tuple(value: Any) -> tuple[str, ...]:
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)


def _class_counts(given: Mapping[str, Tensor], own: Mapping[str, Tensor], head: list[str]) -> str:
    """Return " (the file has 5 classes, these data 10)" where the shapes tell."""
    name = next((each for each in head if each in given and given[each].ndim and own[each].ndim), None)
    if name is None or given[name].shape[0] == own[name].shape[0]:
        return ""
    return f" (the file has {given[name].shape[0]} classes, these data {own[name].shape[0]})"


def _other_architecture(
    file: WeightsFile, arch: str, given: Mapping[str, Tensor], own: Mapping[str, Tensor], share: str
) -> str:
    missing = [name for name in own if name not in given and not name.endswith("num_batches_tracked")]
    unknown = [name for name in given if name not in own]
    shapes = [name for name in given if name in own and given[name].shape != own[name].shape]
    told = (("missing", missing), ("unknown", unknown), ("other shape", shapes))
    details = "; ".join(f"{what}: {', '.join(names[:_SHOWN])}" for what, names in told if names)
    if file.header is not None and file.header.arch != arch:
        advice = f"It says that it holds '{file.header.arch}'; use --model {file.header.arch}."
    else:
        advice = "Name its own architecture with --model."
    return f"The weights file '{file.path}' does not fit '{arch}': only {share} tensors match ({details}). {advice}"
