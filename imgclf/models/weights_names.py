"""Bring the names in a weights file to a network's own: wrappers' prefixes, foreign conventions, other names in order."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from timm.models import adapt_input_conv
from torch import Tensor

# By timm's convention an architecture's module has a function of one of these names, which turns the names and shapes
# of other publishers (torchvision, the paper's authors) into the network's own.
_CONVERTERS = (
    "checkpoint_filter_fn",
    "checkpoint_filter_fn_classifier",
    "_filter_fn",
    "_filter_torchvision_pretrained",
)
_DEEPEST = 3  # components of a wrapper's prefix: "student.module.backbone."
_SHARED = 0.25  # of all names begin with a prefix that is worth trying


def own_names(network: Any, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return a file's tensors under the network's names, as far as they can be found.

    Of all prefixes that wrappers may have put before the names (DDP, Lightning, averages, a training script's
    attribute), the one counts under which most tensors fit. Names that are left over stay as they are.

    Args:
        network: a timm model.
        tensors: by the names in the file.
    """
    own = network.state_dict()
    without_prefix = [_without(prefix, tensors) for prefix in _prefixes(tensors)]
    candidates = [_converted(network, each) for each in without_prefix]
    return max(candidates, key=lambda candidate: len(fitting(own, candidate)))


def fitting(own: Mapping[str, Tensor], tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors that have the name and the shape of one of the network's own."""
    return {name: value for name, value in tensors.items() if name in own and value.shape == own[name].shape}


def by_order(
    own: Mapping[str, Tensor], tensors: Mapping[str, Tensor], head: list[str]
) -> dict[str, Tensor] | None:
    """Give a file's tensors the network's names by their order, where nothing but the names differs.

    Args:
        own: the network's state dict.
        tensors: the file's, in the file's order.
        head: names of the classifier's tensors, which may be missing in the file or of another shape.

    Returns:
        The tensors under the network's names, or None where any shape or kind (weight, bias, mean, variance) at
        the same place differs, and where the file's order is the alphabet's (safetensors sorts by name): then block
        10 comes before block 2, of the same shapes, and the order says nothing of the network.
    """
    if list(tensors) == sorted(tensors):
        return None
    given = [(name, value) for name, value in tensors.items() if is_weight(name)]
    body = [name for name in own if is_weight(name) and name not in head]
    for names in ([name for name in own if is_weight(name)], body):
        if len(names) == len(given) and all(
            _same_kind(name, theirs) and (name in head or own[name].shape == value.shape)
            for name, (theirs, value) in zip(names, given, strict=True)
        ):
            return {name: value for name, (_, value) in zip(names, given, strict=True)}
    return None


def is_weight(name: str) -> bool:
    """Return whether a tensor counts: not the number of batches that a batch norm has seen."""
    return not name.endswith("num_batches_tracked")


def _same_kind(one: str, other: str) -> bool:
    return one.rpartition(".")[2] == other.rpartition(".")[2]


def _prefixes(tensors: Mapping[str, Tensor]) -> Iterator[str]:
    """Yield the empty prefix, then those that many names share; averaged weights before others."""
    shared: Counter[str] = Counter()
    for name in tensors:
        parts = name.split(".")
        shared.update(".".join(parts[:depth]) + "." for depth in range(1, min(_DEEPEST, len(parts) - 1) + 1))
    often = [prefix for prefix, count in shared.items() if count >= _SHARED * len(tensors)]
    yield ""
    yield from sorted(often, key=lambda prefix: ("ema" not in prefix, len(prefix)))


def _without(prefix: str, tensors: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Take the prefix off; what lacks it keeps its name, and gives way where the names meet."""
    rest = {name: value for name, value in tensors.items() if not name.startswith(prefix)}
    return {
        **rest,
        **{name.removeprefix(prefix): value for name, value in tensors.items() if name not in rest},
    }


def _converted(network: Any, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    module = sys.modules[type(network).__module__]
    converter = next((getattr(module, name) for name in _CONVERTERS if hasattr(module, name)), None)
    if converter is not None:
        tensors = _apply(converter, tensors, network)
    own = network.state_dict()
    for convolution in as_tuple(network.pretrained_cfg.get("first_conv")):
        name = f"{convolution}.weight"
        if name in tensors and name in own and tensors[name].shape != own[name].shape:
            tensors[name] = _with_channels(tensors[name], own[name])
    return tensors


def _apply(converter: Callable[..., Any], tensors: dict[str, Tensor], network: Any) -> dict[str, Tensor]:
    # Called as timm calls it (timm.models._builder.load_pretrained): some take the network, some do not.
    try:
        try:
            return dict(converter(dict(tensors), network))
        except TypeError:
            return dict(converter(dict(tensors)))
    except Exception:  # Made for its own architecture's weights; others are told apart later.
        return tensors


def _with_channels(weight: Tensor, own: Tensor) -> Tensor:
    if weight.ndim != 4 or weight.shape[1] not in (1, 3) or own.shape[1] not in (1, 3):
        return weight
    adapted: Tensor = adapt_input_conv(own.shape[1], weight, base_chans=weight.shape[1])
    return adapted


def as_tuple(value: Any) -> tuple[str, ...]:
    """Return the names in one of timm's cfg entries: none, one or several."""
    if value is None:
        return ()
    return (value,) if isinstance(value, str) else tuple(value)
