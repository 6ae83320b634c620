"""Optimisers: torch's classes by their exact name ("Adam"), timm's by theirs ("adamw", "lamb", "muon")."""

from collections.abc import Iterable
from typing import Any

import timm.optim
import torch
from torch import nn

from imgclf.errors import ConfigError, RunError, suggest
from imgclf.models import Classifier
from imgclf.recipes import OptimizerConfig
from imgclf.words import first_line


def build_optimizer(model: nn.Module, config: OptimizerConfig, lr: float) -> torch.optim.Optimizer:
    """Return an optimiser over the model's trainable parameters.

    A name of ``torch.optim`` gets the parameters as they are. A timm name goes through timm, which leaves biases,
    norms and what the network itself names (a ViT's position embedding, say) out of weight decay, and with
    ``layer_decay`` gives earlier layers a lower rate.

    Args:
        model: a classifier, or any module; parameters with ``requires_grad`` False are left out.
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
            return _by_timm(_parts(model), config, lr)
    except (TypeError, ValueError) as error:
        raise ConfigError(
            f"optimizer: {config.name} does not take these arguments ({first_line(error)})."
        ) from None
    known = [*_torch_names(), *map(str, timm.optim.list_optimizers())]
    raise ConfigError(
        f"optimizer.name: unknown optimiser '{config.name}'.{suggest(config.name, known)} Expected a class of "
        f"torch.optim (Adam, SGD, ...) or a timm name (adamw, lamb, muon, ...)."
    )


def _parts(model: nn.Module) -> list[nn.Module]:
    """The network itself, whom timm asks for its layers and its names without decay, and our head where there is one."""
    parts = [model.network, model.hidden_head] if isinstance(model, Classifier) else [model]
    return [
        part
        for part in parts
        if part is not None and any(weight.requires_grad for weight in part.parameters())
    ]


def _by_timm(parts: list[nn.Module], config: OptimizerConfig, lr: float) -> torch.optim.Optimizer:
    first, *others = parts
    optimizer = timm.optim.create_optimizer_v2(first, opt=config.name, lr=lr, **config.args)
    for part in others:
        for group in timm.optim.param_groups_weight_decay(part, config.args.get("weight_decay", 0.0)):
            optimizer.add_param_group({**group, "lr": lr})
    for group in optimizer.param_groups:
        # timm's own schedulers multiply by it at each step; torch's know nothing of it.
        group["lr"] = lr * group.get("lr_scale", 1.0)
    return optimizer


def load_optimizer(optimizer: torch.optim.Optimizer, state: dict[str, Any]) -> None:
    """Give an optimiser what another of the same kind has gathered; its learning rates stay its own.

    The stored rates are those at which a schedule stood. A schedule that is laid out anew has to start from the rate of
    the config.

    Raises:
        RunError: it sorts its parameters otherwise.
    """
    rates = [group["lr"] for group in optimizer.param_groups]
    try:
        optimizer.load_state_dict(state)
    except ValueError as error:
        raise RunError(
            f"The checkpoint's optimiser sorts the parameters otherwise than this version ({first_line(error)}). Start a new run with "
            f"the weights: imgclf train --weights RUN/model.safetensors"
        ) from None
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
