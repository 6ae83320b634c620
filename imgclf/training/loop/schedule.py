"""Learning-rate schedules: ``torch.optim.lr_scheduler`` classes by name, driven by the share of training done.

A schedule is laid out over the planned number of steps or epochs. The loop then moves it by progress in [0, 1]: by
steps done, or under a time limit by the time used, so that a run cut to ten minutes still anneals to the end.

It is a function of that progress (and, for the one that watches a metric, of the values seen), and so is never stored:
a resumed run lays it out anew and moves it to where it has to stand, over as many epochs as the run now has.
"""

import inspect
import math
import warnings
from collections.abc import Iterable
from typing import Any

import torch
from torch.optim import lr_scheduler

from imgclf.errors import ConfigError, suggest
from imgclf.recipes import SchedulerConfig
from imgclf.task import is_loss
from imgclf.words import first_line

# These are laid out in optimiser steps when the config leaves `interval` to us; every other one steps by epoch.
_BY_STEP = {"OneCycleLR", "CosineAnnealingLR", "CyclicLR", "PolynomialLR", "none"}
# The argument that says how long the schedule is, filled in with the planned length unless the config gives it.
_LENGTH = {"OneCycleLR": "total_steps", "CosineAnnealingLR": "T_max", "PolynomialLR": "total_iters"}
_PLATEAU = "ReduceLROnPlateau"
_NOT_FROM_TEXT = {
    "LRScheduler",
    "_LRScheduler",
    "LambdaLR",
    "MultiplicativeLR",
    "SequentialLR",
    "ChainedScheduler",
}
_ONE_CYCLE_RISE = 0.3  # torch's default of pct_start
_WARMUP_START = 1e-3  # A warm-up from exactly zero would waste its first step.


class Schedule:
    """One scheduler and how far it has been moved.

    Args:
        optimizer: whose learning rates it sets.
        config: the scheduler's name, interval, warm-up and arguments.
        epochs: planned epochs of this phase.
        steps_per_epoch: optimiser steps in an epoch.

    Attributes:
        by_step: whether it moves at each step instead of each epoch.
        plateau_metric: the column of the history that it watches, or nothing.
        watched: the metrics of each epoch of this phase so far.

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
        self.watched: list[dict[str, float]] = []
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
        """The highest learning rate of the parameter groups: of the head, where earlier layers have less."""
        return max(float(group["lr"]) for group in self._optimizer.param_groups)

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
        """Take in the metrics of an epoch; a schedule that watches one of them may move.

        Raises:
            ConfigError: there is no metric of that name.
        """
        self.watched.append(metrics)
        if not self.plateau_metric:
            return
        if self.plateau_metric not in metrics:
            raise ConfigError(
                f"scheduler.monitor: unknown metric '{self.plateau_metric}'."
                f"{suggest(self.plateau_metric, metrics)} Known: {', '.join(metrics)}."
            )
        self._scheduler.step(metrics[self.plateau_metric])

    def restore(self, progress: float, watched: Iterable[dict[str, float]]) -> None:
        """Move a new schedule to where a run that was laid out like this from its start would have it.

        Args:
            progress: share of the phase that is done, in [0, 1].
            watched: the metrics of each epoch of this phase so far.
        """
        with warnings.catch_warnings():
            # torch misses the optimiser's step before this one; it was taken before the run was resumed.
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step")
            self.advance_to(progress)
            for metrics in watched:
                self.on_validation(metrics)


def _build(
    optimizer: torch.optim.Optimizer, name: str, arguments: dict[str, Any], plateau_metric: str, length: int
) -> Any:
    if name == "none":
        return lr_scheduler.LambdaLR(optimizer, _constant)
    known = scheduler_names()
    if name not in known:
        raise ConfigError(
            f"scheduler.name: unknown schedule '{name}'.{suggest(name, known)} Expected a class of "
            f"torch.optim.lr_scheduler such as OneCycleLR, StepLR or ReduceLROnPlateau, or 'none'."
        )
    if name in _LENGTH:
        arguments.setdefault(_LENGTH[name], length)
    if name == "OneCycleLR":
        _fit_one_cycle(arguments, length)
        arguments.setdefault("max_lr", [group["lr"] for group in optimizer.param_groups])
    for rate in {"max_lr", "base_lr"} & {
        key for key, value in arguments.items() if isinstance(value, float | int)
    }:
        scales = [group.get("lr_scale", 1.0) for group in optimizer.param_groups]
        arguments[rate] = [arguments[rate] * scale for scale in scales]
    if name == _PLATEAU:
        arguments.setdefault("mode", "min" if is_loss(plateau_metric) else "max")
    try:
        return getattr(lr_scheduler, name)(optimizer, **arguments)
    except (TypeError, ValueError, NotImplementedError) as error:
        raise ConfigError(f"scheduler: {name} does not take these arguments ({first_line(error)}).") from None


def scheduler_names() -> list[str]:
    """Return the names of torch's schedulers that a config can describe: not those made of functions or of others."""
    return [
        name
        for name, value in vars(lr_scheduler).items()
        if inspect.isclass(value)
        and issubclass(value, lr_scheduler.LRScheduler)
        and name not in _NOT_FROM_TEXT
    ]


def length_argument(config: SchedulerConfig) -> str:
    """Return the argument by which the config itself says how long the schedule is; nothing where the run decides."""
    name = _LENGTH.get(config.name, "")
    return name if name in config.args else ""


def _fit_one_cycle(arguments: dict[str, Any], length: int) -> None:
    """Refuse a cycle that is shorter than the run, and keep torch from dividing by zero in a tiny one."""
    total_steps = arguments["total_steps"]
    if total_steps < length:
        raise ConfigError(
            f"scheduler.total_steps: {total_steps} is less than the {length} steps of the run, and a one-cycle has no "
            f"rate after its end. Leave it out, and the cycle is laid over the whole run."
        )
    rise = arguments.get("pct_start", _ONE_CYCLE_RISE)
    if isinstance(rise, float) and abs(rise * total_steps - 1) < 1e-9:
        # A rise of one step has no length to torch, which counts from its first step to its last.
        arguments["pct_start"] = (1 + 1e-6) / total_steps


def _with_warmup(optimizer: torch.optim.Optimizer, main: Any, steps: int) -> Any:
    warmup = lr_scheduler.LinearLR(optimizer, start_factor=_WARMUP_START, total_iters=steps)
    return lr_scheduler.SequentialLR(optimizer, [warmup, main], milestones=[steps])


def _constant(_: int) -> float:
    return 1.0
