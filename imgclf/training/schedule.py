"""Learning-rate schedules: ``torch.optim.lr_scheduler`` classes by name, driven by the share of training done.

A schedule is laid out over the planned number of steps or epochs. The loop then moves it by progress in [0, 1]: by
steps done, or under a time limit by the time used, so that a run cut to ten minutes still anneals to the end.
"""

import inspect
import math
from typing import Any

import torch
from torch.optim import lr_scheduler

from imgclf.errors import ConfigError, suggest
from imgclf.recipes.config import SchedulerConfig
from imgclf.task import is_loss

# These are laid out in optimiser steps when the config leaves `interval` to us; every other one steps by epoch.
_BY_STEP = {"OneCycleLR", "CosineAnnealingLR", "CyclicLR", "PolynomialLR", "none"}
# The argument that says how long the schedule is, filled in with the planned length unless the config gives it.
_LENGTH = {"OneCycleLR": "total_steps", "CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}
_PLATEAU = "ReduceLROnPlateau"
_WARMUP_START = 1e-3  # A warm-up from exactly zero would waste its first step.


class Schedule:
    """One scheduler and how far it has been moved.

    Args:
        optimizer: whose learning rates it sets.
        config: the scheduler's name, interval, warm-up and arguments.
        epochs: planned epochs of this phase.
        steps_per_epoch: optimiser steps in an epoch.

    Raises:
        ConfigError: the name or its arguments do not fit.
    """

    def __init__(
        self, optimizer: torch.optim.Optimizer, config: SchedulerConfig, epochs: int, steps_per_epoch: int
    ) -> None:
        self._optimizer = optimizer
        self.by_step = config.interval == "step" or (config.interval == "auto" and config.name in _BY_STEP)
        self._length = epochs * steps_per_epoch if self.by_step else epochs
        self._position = 0
        arguments = dict(config.args)
        self.plateau_metric: str = arguments.pop("monitor", "val_loss") if config.name == _PLATEAU else ""
        warmup = round(config.warmup_epochs * steps_per_epoch)
        if warmup and not self.by_step:
            raise ConfigError(
                f"scheduler.warmup_epochs: {config.name} steps by epoch, and a warm-up needs a schedule that steps by "
                f"batch. Set scheduler.interval to 'step', or scheduler.warmup_epochs to 0."
            )
        main = _build(optimizer, config.name, arguments, self.plateau_metric, max(1, self._length - warmup))
        self._scheduler = _with_warmup(optimizer, main, warmup) if warmup else main

    @property
    def lr(self) -> float:
        """The learning rate of the first parameter group."""
        return float(self._optimizer.param_groups[0]["lr"])

    def advance_to(self, progress: float) -> None:
        """Move a schedule that does not watch a metric to this share of the phase, in [0, 1]."""
        if self.plateau_metric:
            return
        # The last position belongs to the last step, so the schedule is never moved past it.
        target = min(math.floor(progress * self._length + 1e-6), self._length - 1)
        while self._position < target:
            self._scheduler.step()
            self._position += 1

    def on_validation(self, metrics: dict[str, float]) -> None:
        """Let a schedule that watches a metric see the newest one.

        Raises:
            ConfigError: there is no metric of that name.
        """
        if not self.plateau_metric:
            return
        if self.plateau_metric not in metrics:
            raise ConfigError(
                f"scheduler.monitor: unknown metric '{self.plateau_metric}'."
                f"{suggest(self.plateau_metric, metrics)} Known: {', '.join(metrics)}."
            )
        self._scheduler.step(metrics[self.plateau_metric])

    def state_dict(self) -> dict[str, Any]:
        """Return what :meth:`load_state_dict` needs."""
        return {"length": self._length, "position": self._position, "scheduler": self._scheduler.state_dict()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Continue where another schedule of the same config stood.

        One of another length (a run that is resumed for more epochs) is laid out anew: the next
        :meth:`advance_to` moves it to where it should be.
        """
        if state["length"] != self._length and not self.plateau_metric:
            return
        self._position = state["position"]
        self._scheduler.load_state_dict(state["scheduler"])


def _build(
    optimizer: torch.optim.Optimizer, name: str, arguments: dict[str, Any], plateau_metric: str, length: int
) -> Any:
    if name == "none":
        return lr_scheduler.LambdaLR(optimizer, _constant)
    known = [
        key for key, value in vars(lr_scheduler).items() if inspect.isclass(value) and not key.startswith("_")
    ]
    if name not in known:
        raise ConfigError(
            f"scheduler.name: unknown schedule '{name}'.{suggest(name, known)} Expected a class of "
            f"torch.optim.lr_scheduler such as OneCycleLR, StepLR or ReduceLROnPlateau, or 'none'."
        )
    if name in _LENGTH:
        arguments.setdefault(_LENGTH[name], length)
    if name == "OneCycleLR":
        arguments.setdefault("max_lr", [group["lr"] for group in optimizer.param_groups])
    if name == _PLATEAU:
        arguments.setdefault("mode", "min" if is_loss(plateau_metric) else "max")
    try:
        return getattr(lr_scheduler, name)(optimizer, **arguments)
    except (TypeError, ValueError) as error:
        raise ConfigError(f"scheduler: {name} does not take these arguments ({error}).") from None


def _with_warmup(optimizer: torch.optim.Optimizer, main: Any, steps: int) -> Any:
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=_WARMUP_START, total_iters=steps)
    return lr_scheduler.SequentialLR(optimizer, [warmup, main], milestones=[steps])


def _constant(_: int) -> float:
    return 1.0
