"""Optimisers by torch's and by timm's names."""

import pytest
import torch
from torch import nn

from imgclf.errors import ConfigError
from imgclf.recipes.config import OptimizerConfig
from imgclf.training.optimizers import build_optimizer, clip_parameters


def test_a_torch_name_is_that_class_with_all_parameters() -> None:
    """The name Adam is torch's Adam, biases decayed like the rest."""
    model = nn.Linear(3, 2)
    optimizer = build_optimizer(model, OptimizerConfig(name="Adam", weight_decay=1e-4), lr=0.01)
    assert type(optimizer) is torch.optim.Adam
    assert [group["weight_decay"] for group in optimizer.param_groups] == [1e-4]
    assert optimizer.param_groups[0]["lr"] == 0.01


def test_a_timm_name_leaves_biases_out_of_weight_decay() -> None:
    """The name adamw goes through timm, whose habit this is."""
    optimizer = build_optimizer(nn.Linear(3, 2), OptimizerConfig(name="adamw", weight_decay=0.1), lr=0.1)
    assert sorted(group["weight_decay"] for group in optimizer.param_groups) == [0.0, 0.1]


def test_frozen_parameters_are_left_out() -> None:
    """What does not learn is not handed to the optimiser."""
    model = nn.Sequential(nn.Linear(3, 2), nn.Linear(2, 2))
    model[0].requires_grad_(False)
    optimizer = build_optimizer(model, OptimizerConfig(name="SGD", lr=0.1), lr=0.5)
    assert {id(parameter) for parameter in clip_parameters(optimizer)} == {
        id(parameter) for parameter in model[1].parameters()
    }
    assert optimizer.param_groups[0]["lr"] == 0.5


def test_unknown_optimiser_suggests_the_nearest() -> None:
    """A mistyped name names the one that was meant."""
    with pytest.raises(ConfigError, match=r"unknown optimiser 'Addam'\. Did you mean 'Adam'\?"):
        build_optimizer(nn.Linear(1, 1), OptimizerConfig(name="Addam"), lr=0.1)


def test_unfitting_arguments_are_named() -> None:
    """A keyword that the class lacks is an error of the config."""
    with pytest.raises(ConfigError, match=r"optimizer: Adam does not take these arguments \(.*momentum"):
        build_optimizer(nn.Linear(1, 1), OptimizerConfig(name="Adam", momentum=0.9), lr=0.1)
