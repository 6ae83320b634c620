"""Losses: ``torch.nn`` classes by name, with class weights where the config asks for balance."""

from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from imgclf.errors import ConfigError, suggest
from imgclf.recipes import NamedArgs

_KNOWN = sorted(
    name
    for name, value in vars(nn).items()
    if isinstance(value, type) and name.endswith("Loss") and name[0] != "_"
)


def build_loss(loss: NamedArgs, class_weights: Tensor | None = None) -> nn.Module:
    """Return a loss module taking logits (N, K) and int64 labels (N,), or probabilities (N, K) under mixup.

    Raises:
        ConfigError: the name or its arguments do not fit.
    """
    if loss.name not in _KNOWN:
        raise ConfigError(
            f"loss.name: unknown loss '{loss.name}'.{suggest(loss.name, _KNOWN)} Expected a class of torch.nn "
            f"such as CrossEntropyLoss or MultiMarginLoss."
        )
    arguments: dict[str, Any] = dict(loss.args)
    if class_weights is not None:
        arguments["weight"] = class_weights
    try:
        module: nn.Module = getattr(nn, loss.name)(**arguments)
    except TypeError as error:
        raise ConfigError(f"loss: {loss.name} does not take these arguments ({error}).") from None
    return module


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
