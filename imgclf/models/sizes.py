"""Which image sizes a network takes, found by trying: a pass on the meta device costs no arithmetic."""

from collections.abc import Iterator, Mapping
from typing import Any

import torch
from timm.models import get_pretrained_cfg

from imgclf.errors import ModelError
from imgclf.models.build import build_on_meta, takes_image_size
from imgclf.recipes import auto

_STEPS = (8, 14, 16, 32)  # patch sizes and total strides: a size is rounded up to a multiple of one of these
_SIDES = (32, 48, 64, 80, 96, 112, 128, 160, 192, 224, 240, 256, 288, 320, 384, 448, 512)


def check_image_size(
    network: Any, name: str, args: Mapping[str, Any], image_size: tuple[int, int], channels: int
) -> None:
    """Make sure that a network takes images of this size.

    Args:
        network: the built model; its mode and weights stay as they are.
        name: its timm name.
        args: the keyword arguments that it was built with.
        image_size: (height, width) in pixels.
        channels: colour channels.

    Raises:
        ModelError: it does not; the message names a size that works.
    """
    # A twin on the meta device: a blank pass through the network itself could leave meta tensors in its caches.
    if _passes_on_meta(build_on_meta(name, 1, args), image_size, channels):
        return
    try:  # The meta device lacks some operations: only a real pass tells.
        _real_pass(network, image_size, channels)
    except Exception as error:
        raise ModelError(
            _sentence(name, image_size, fitting_image_size(name, image_size, channels, args))
        ) from error


def blame_image_size(
    error: ModelError, name: str, args: Mapping[str, Any], image_size: tuple[int, int], channels: int
) -> ModelError:
    """Return the error to raise where a network of one size could not be built.

    Args:
        error: what building it gave.
        name: its timm name.
        args: the keyword arguments that it was to be built with.
        image_size: (height, width) in pixels.
        channels: colour channels.

    Returns:
        An error about the size where another size can be built, else ``error``.
    """
    fitting = fitting_image_size(name, image_size, channels, args)
    return ModelError(_sentence(name, image_size, fitting)) if fitting else error


def fitting_image_size(
    name: str, wanted: tuple[int, int], channels: int = 3, arch_args: Mapping[str, Any] | None = None
) -> tuple[int, int] | None:
    """Return the wanted (height, width), or the next larger one that the network takes, or None."""
    args = {**(arch_args or {}), "in_chans": channels}
    fixed = takes_image_size(name)
    network = None if fixed else build_on_meta(name, 1, args)
    for size in _candidates(name, wanted):
        try:
            candidate = build_on_meta(name, 1, {**args, "img_size": size}) if fixed else network
        except ModelError:
            continue
        if _passes_on_meta(candidate, size, channels):
            return size
    return None


def default_image_size(name: str, data_size: tuple[int, int] | None, channels: int = 3) -> tuple[int, int]:
    """Return the default (height, width) for a network that starts from scratch.

    Args:
        name: a name that timm knows.
        data_size: (height, width) that the images share, or None where they differ.
        channels: colour channels.

    Returns:
        The data's own size, each side within 32 to 224, rounded up to what the network takes.
    """
    wanted = auto.size_from_scratch(data_size)
    return fitting_image_size(name, wanted, channels) or wanted


def _candidates(name: str, wanted: tuple[int, int]) -> Iterator[tuple[int, int]]:
    yield wanted
    for step in _STEPS:
        yield -(-wanted[0] // step) * step, -(-wanted[1] // step) * step
    yield from ((side, side) for side in _SIDES if side >= max(wanted))
    cfg = get_pretrained_cfg(name)
    if cfg:
        yield cfg.input_size[1], cfg.input_size[2]


def _passes_on_meta(network: Any, image_size: tuple[int, int], channels: int) -> bool:
    try:
        with torch.no_grad(), torch.device("meta"):
            network(torch.empty(1, channels, *image_size))
    except Exception:  # Whatever the network raises: this size is not taken.
        return False
    return True


def _real_pass(network: Any, image_size: tuple[int, int], channels: int) -> None:
    was_training = network.training
    try:
        with torch.no_grad():
            network.eval()(torch.zeros(1, channels, *image_size))
    finally:
        network.train(was_training)


def _sentence(name: str, image_size: tuple[int, int], fitting: tuple[int, int] | None) -> str:
    advice = f"Try --image-size {max(fitting)}." if fitting else "Give another --image-size or another model."
    return f"The model '{name}' does not take images of {image_size[0]}x{image_size[1]} pixels. {advice}"
