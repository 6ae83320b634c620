"""Optimisers by torch's and by timm's names."""

from typing import Any

import pytest
import timm.optim
import torch
from torch import nn

from imgclf.errors import ConfigError, RunError
from imgclf.models import create_classifier
from imgclf.recipes.config import OptimizerConfig, SchedulerConfig
from imgclf.training.loop.optimizers import build_optimizer, clip_parameters, load_optimizer
from imgclf.training.loop.schedule import Schedule


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


FAMILIES = [
    ("vit_tiny_patch16_224", 32),
    ("swin_tiny_patch4_window7_224", 56),
    ("convnext_atto", 32),
    ("resnet18", 32),
]


@pytest.mark.parametrize(
    "arguments", [{}, {"layer_decay": 0.7}, {"layer_decay": 0.5, "layer_decay_min_scale": 0.1}]
)
@pytest.mark.parametrize(("name", "size"), FAMILIES)
def test_groups_and_rates_are_those_of_timm(name: str, size: int, arguments: dict[str, float]) -> None:
    """The network's own names without decay and its layers count, as where timm trains it; rates are scaled by layer."""
    classifier = create_classifier(name, 3, pretrained="no", image_size=(size, size))
    config = OptimizerConfig(name="adamw", weight_decay=0.05, **arguments)
    optimizer = build_optimizer(classifier, config, lr=0.01)
    theirs = timm.optim.create_optimizer_v2(
        classifier.network, opt="adamw", lr=0.01, weight_decay=0.05, **arguments
    )
    ours = [(group["weight_decay"], group["lr"], ids(group)) for group in optimizer.param_groups]
    assert ours == [
        (group["weight_decay"], 0.01 * group.get("lr_scale", 1.0), ids(group))
        for group in theirs.param_groups
    ]
    assert bool(arguments) == (len({rate for _, rate, _ in ours}) > 1)
    if name.startswith("vit"):
        kept = {weight for decay, _, weights in ours if decay == 0 for weight in weights}
        assert {id(classifier.network.pos_embed), id(classifier.network.cls_token)} <= kept


def ids(group: dict[str, Any]) -> list[int]:
    """The parameters of a group, by identity."""
    return [id(weight) for weight in group["params"]]


def test_a_hidden_head_has_the_full_rate_and_no_decay_of_its_biases() -> None:
    """It stands after the network's last layer; with a frozen backbone it is all that learns."""
    classifier = create_classifier(
        "vit_tiny_patch16_224", 3, pretrained="no", image_size=(32, 32), head={"hidden": 4}
    )
    config = OptimizerConfig(name="adamw", weight_decay=0.05, layer_decay=0.5)
    optimizer = build_optimizer(classifier, config, lr=0.01)
    assert classifier.hidden_head is not None
    head = {id(weight) for weight in classifier.hidden_head.parameters()}
    groups = [group for group in optimizer.param_groups if head & set(ids(group))]
    assert [(group["lr"], group["weight_decay"]) for group in groups] == [(0.01, 0.0), (0.01, 0.05)]
    classifier.network.requires_grad_(False)
    alone = build_optimizer(classifier, config, lr=0.01)
    assert {weight for group in alone.param_groups for weight in ids(group)} == head


@pytest.mark.parametrize("name", ["OneCycleLR", "CosineAnnealingLR", "CyclicLR"])
def test_a_schedule_keeps_the_rates_of_the_layers_apart(name: str) -> None:
    """Whatever the schedule does, a layer's rate stays its share of the head's."""
    classifier = create_classifier("resnet18", 3, pretrained="no", image_size=(32, 32))
    optimizer = build_optimizer(classifier, OptimizerConfig(name="sgd", layer_decay=0.5), lr=0.1)
    arguments = {"base_lr": 0.01, "max_lr": 0.1, "step_size_up": 4} if name == "CyclicLR" else {}
    schedule = Schedule(optimizer, SchedulerConfig(name=name, **arguments), 1, 10)
    optimizer.step()
    for step in range(10):
        schedule.advance_to(step / 10)
        rates = [group["lr"] / group["lr_scale"] for group in optimizer.param_groups]
        assert rates == pytest.approx([schedule.lr] * len(rates))


def test_a_checkpoint_with_other_groups_is_told() -> None:
    """One of a version that sorted the parameters otherwise cannot go on, and says what can."""
    optimizer = build_optimizer(nn.Linear(3, 2), OptimizerConfig(name="adamw", weight_decay=0.1), lr=0.1)
    other = build_optimizer(nn.Linear(3, 2), OptimizerConfig(name="adamw"), lr=0.1)
    with pytest.raises(
        RunError, match=r"sorts the parameters otherwise than this version \(.*imgclf train --weights"
    ):
        load_optimizer(optimizer, other.state_dict())
