"""Build a network through timm, with its errors told in our words."""

import inspect
import re
from collections.abc import Mapping
from typing import Any

import timm
import torch
from timm.models import get_pretrained_cfg

from imgclf.errors import ModelError, suggest
from imgclf.models.quiet import quietly
from imgclf.words import first_line

_UNKNOWN_ARGUMENT = re.compile(r"unexpected keyword argument '(\w+)'")


def build_network(
    name: str, num_classes: int, args: Mapping[str, Any], pretrained: Mapping[str, Any] | None = None
) -> Any:
    """Make a timm model on the CPU.

    Args:
        name: a name that timm knows.
        num_classes: outputs; 0 for none.
        args: keyword arguments of ``timm.create_model``.
        pretrained: overlay of timm's pretrained cfg that says where the weights are (may be empty), or None to
            start from random weights.

    Raises:
        ModelError: the network does not take these arguments.
        Exception: with ``pretrained`` only, whatever fetching and reading the weights raises.
    """
    try:
        return _create(name, num_classes, args, pretrained)
    except Exception as error:
        if pretrained is not None:
            # Whose fault is it? Wrong arguments fail without weights too, and that is the better message.
            build_on_meta(name, num_classes, args)
            raise
        raise ModelError(_explain(name, args, error)) from error


def build_on_meta(name: str, num_classes: int, args: Mapping[str, Any]) -> Any:
    """Make a timm model without memory for its weights, to look at its shapes.

    Raises:
        ModelError: the network does not take these arguments.
    """
    try:
        with torch.device("meta"):
            return _create(name, num_classes, args, None).eval()
    except Exception as error:
        raise ModelError(_explain(name, args, error)) from error


def takes_image_size(name: str) -> bool:
    """Return whether the network is built for one image size (ViT, Swin, mixers), which ``img_size`` sets."""
    cfg = get_pretrained_cfg(name)
    return bool(cfg and cfg.fixed_input_size)


def _create(
    name: str, num_classes: int, args: Mapping[str, Any], pretrained: Mapping[str, Any] | None
) -> Any:
    values: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in args.items()
    }
    with quietly():
        return timm.create_model(
            name,
            pretrained=pretrained is not None,
            pretrained_cfg_overlay=dict(pretrained) if pretrained else None,
            num_classes=num_classes,
            **values,
        )


def _explain(name: str, args: Mapping[str, Any], error: Exception) -> str:
    unknown = _UNKNOWN_ARGUMENT.search(str(error))
    if isinstance(error, TypeError) and unknown:
        known = _known_arguments(name)
        list_of_known = f" Known: {', '.join(known)}." if known else ""
        hint = suggest(unknown[1], known)
        return f"The model '{name}' takes no argument '{unknown[1]}'.{hint}{list_of_known}"
    given = ", ".join(f"{key}={value!r}" for key, value in args.items())
    return f"The model '{name}' cannot be built with {given}: {first_line(error)}."


def _known_arguments(name: str) -> list[str]:
    try:
        with torch.device("meta"):
            network = _create(name, 1, {}, None)
    except Exception:  # Only a hint hangs on it.
        return []
    parameters = inspect.signature(type(network).__init__).parameters.values()
    return [each.name for each in parameters if each.kind is not each.VAR_KEYWORD and each.name != "self"]
