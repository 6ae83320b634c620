"""Exponential moving average of weights (Polyak averaging; as in Tarvainen & Valpola 2017)."""

from copy import deepcopy

import torch
from torch import nn


class WeightAverage:
    """A copy of a model whose parameters follow the model's slowly.

    The decay grows with the number of updates, min(decay, (1 + n) / (10 + n)), so that the first random weights are
    soon forgotten. Buffers (BatchNorm's statistics) are averaged as well; integer ones are copied.

    Args:
        model: the model to follow.
        decay: weight of the average's own past, in [0, 1).
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = deepcopy(model).eval().requires_grad_(False)
        self.updates = 0
        self._decay = decay

    @torch.no_grad()
    def update(self, model: nn.Module) -> None:
        """Take one step towards the model's present weights."""
        self.updates += 1
        weight = 1 - min(self._decay, (1 + self.updates) / (10 + self.updates))
        average, current = self.model.state_dict(), model.state_dict()
        # A tensor that stands under two names, since a module is used twice, must take one step and not two.
        own = {value.data_ptr(): name for name, value in average.items()}.values()
        average = {name: average[name] for name in own}
        floating = [name for name, value in average.items() if value.is_floating_point()]
        torch._foreach_lerp_(
            [average[name] for name in floating], [current[name] for name in floating], weight
        )
        for name in average.keys() - set(floating):
            average[name].copy_(current[name])
