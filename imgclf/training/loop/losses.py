"""Losses: ``torch.nn`` classes by name and ``FocalLoss``, with class weights where the config asks for balance."""

import warnings
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imgclf.errors import ConfigError, suggest
from imgclf.recipes import NamedArgs
from imgclf.training.loop.focal import FocalLoss
from imgclf.words import first_line

_LOSSES: dict[str, Any] = {
    name: value
    for name, value in vars(nn).items()
    if isinstance(value, type) and name.endswith("Loss") and name[0] != "_"
}
_LOSSES["FocalLoss"] = FocalLoss
_KNOWN = sorted(_LOSSES)


def build_loss(loss: NamedArgs, class_weights: Tensor | None = None) -> nn.Module:
    """Return a loss module taking logits (N, K) and int64 labels (N,), or probabilities (N, K) under mixup.

    Raises:
        ConfigError: the name or its arguments do not fit.
    """
    if loss.name not in _KNOWN:
        raise ConfigError(
            f"loss.name: unknown loss '{loss.name}'.{suggest(loss.name, _KNOWN)} Expected a class of torch.nn "
            f"such as CrossEntropyLoss or MultiMarginLoss, or FocalLoss."
        )
    arguments: dict[str, Any] = dict(loss.args)
    if class_weights is not None:
        arguments["weight"] = class_weights
    try:
        module: nn.Module = _LOSSES[loss.name](**arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"loss: {loss.name} does not take these arguments ({first_line(error)}).") from None
    return module


def check_loss(loss: NamedArgs, num_classes: int, *, mixing: bool) -> None:
    """Try the loss on a few made-up logits, so that a misfit is told before anything is trained.

    Args:
        loss: name and keyword arguments.
        num_classes: K.
        mixing: whether the targets are probabilities (mixup, CutMix) and not labels.

    Raises:
        ConfigError: it is unknown, its arguments do not fit, or it is no mean over logits (N, K) and such targets.
    """
    if loss.name == "NLLLoss":
        raise ConfigError(
            "loss.name: NLLLoss expects logarithms of probabilities, and a network gives logits. "
            "CrossEntropyLoss is the same loss on logits."
        )
    module = build_loss(loss)
    # One image more than classes, so that nothing of shape (N,) fits (N, K) by chance.
    logits = torch.linspace(-1, 1, (num_classes + 1) * num_classes).reshape(num_classes + 1, num_classes)
    labels = torch.arange(num_classes + 1) % num_classes
    if not _is_mean_of(module, logits, labels):
        raise ConfigError(
            f"loss.name: {loss.name} does not give one number for logits of {num_classes} classes and a label an image. "
            f"Losses that do: CrossEntropyLoss, FocalLoss, MultiMarginLoss."
        )
    if mixing and not _is_mean_of(module, logits, torch.full_like(logits, 1 / num_classes)):
        raise ConfigError(
            f"loss.name: {loss.name} takes labels only, and mixup or CutMix give each image a share of two classes. Use "
            f"CrossEntropyLoss, or set augment.mixup and augment.cutmix to 0."
        )


def _is_mean_of(module: nn.Module, logits: Tensor, targets: Tensor) -> bool:
    logits = logits.clone().requires_grad_()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of shapes that are made to fit each other
            value = module(logits, targets)
    except (RuntimeError, TypeError, ValueError, IndexError):  # whatever a loss of another shape runs into
        return False
    return (
        isinstance(value, Tensor) and value.ndim == 0 and value.requires_grad and bool(torch.isfinite(value))
    )


def validation_loss(loss: NamedArgs) -> nn.Module:
    """Return the loss that validation reports: summed, without label smoothing or class weights.

    Smoothing and weights change what is optimised; a loss that is compared between runs must not contain them.
    """
    plain = {
        key: value
        for key, value in loss.args.items()
        if key not in ("label_smoothing", "weight", "reduction")
    }
    return build_loss(NamedArgs(name=loss.name, **plain, reduction="sum"))


def balanced_class_weights(labels: np.ndarray, num_classes: int) -> np.ndarray:
    """Return float32 (K,) weights N / (K' * n_c), 1 on average over the images; 0 for a class without images.

    K' counts the classes that have images. The formula is scikit-learn's ``class_weight="balanced"``
    (King & Zeng 2001).
    """
    counts = np.bincount(labels, minlength=num_classes)
    present = counts > 0
    weights = np.zeros(num_classes, dtype=np.float32)
    weights[present] = len(labels) / (present.sum() * counts[present])
    return weights


def check_finite(losses: list[Tensor], first_step: int) -> int | None:
    """Return the step of the first loss that is NaN or infinite, or None.

    Args:
        losses: scalar losses of consecutive steps, on any device.
        first_step: the step of ``losses[0]``.
    """
    if not losses:
        return None
    finite = torch.isfinite(torch.stack(losses))
    if bool(finite.all()):
        return None
    return first_step + int((~finite).nonzero()[0])
