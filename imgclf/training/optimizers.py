"""Optimisers: torch's classes by their exact name ("Adam"), timm's by theirs ("adamw", "lamb", "muon")."""

from collections.abc import Iterable
from typing import Any

import timm.optim
import torch
from torch import nn

from imgclf.errors import ConfigError, suggest
from imgclf.recipes.config import OptimizerConfig


def build_optimizer(model: nn.Module, config: OptimizerConfig, lr: float) -> torch.optim.Optimizer:
    """Return an optimiser over the model's trainable parameters.

    A name of ``torch.optim`` gets the parameters as they are. A timm name goes through timm, which leaves biases
    and norms out of weight decay.

    Args:
        model: parameters with ``requires_grad`` False are left out.
        config: name and keyword arguments.
        lr: learning rate of the phase.

    Raises:
        ConfigError: the name or its arguments do not fit.
    """
    try:
        if config.name in _torch_names():
            trainable = [parameter for parameter in model.parameters() if parameter.requires_grad]
            optimizer: torch.optim.Optimizer = getattr(torch.optim, config.name)(
                trainable, lr=lr, **config.args
            )
            return optimizer
        if config.name in timm.optim.list_optimizers():
            return timm.optim.create_optimizer_v2(model, opt=config.name, lr=lr, **config.args)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"optimizer: {config.name} does not take these arguments ({error}).") from None
    known = [*_torch_names(), *map(str, timm.optim.list_optimizers())]
    raise ConfigError(
        f"optimizer.name: unknown optimiser '{config.name}'.{suggest(config.name, known)} Expected a class of "
        f"torch.optim (Adam, SGD, ...) or a timm name (adamw, lamb, muon, ...)."
    )


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser what another of the same kind has gathered; its learning rates stay its own.

    The stored rates are those at which a schedule stood. A schedule that is laid out anew has to start from the rate of
    the config.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    optimizer.load_state_dict(state)
    for group, rate in zip(optimizer.param_groups, rates, strict=True):
        group["lr"] = rate
        group.pop("initial_lr", None)


def clip_parameters(optimizer: torch.optim.Optimizer) -> Iterable[torch.nn.Parameter]:
    """Return every parameter that the optimiser changes."""
    return (parameter for group in optimizer.param_groups for parameter in group["params"])


def _torch_names() -> list[str]:
    return [
        name
        for name, value in vars(torch.optim).items()
        if isinstance(value, type) and issubclass(value, torch.optim.Optimizer) and name != "Optimizer"
    ]
