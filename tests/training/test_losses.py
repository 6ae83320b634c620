"""Losses by name, class weights, and the watch for NaN."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from imgclf.errors import ConfigError
from imgclf.recipes import NamedArgs
from imgclf.training.loop.focal import FocalLoss
from imgclf.training.loop.losses import (
    balanced_class_weights,
    build_loss,
    check_finite,
    check_loss,
    validation_loss,
)


def test_builds_a_torch_loss_with_its_arguments() -> None:
    """Arguments reach the class as they are."""
    loss = build_loss(NamedArgs(name="CrossEntropyLoss", label_smoothing=0.2))
    logits, labels = torch.tensor([[2.0, 0.0, -1.0]]), torch.tensor([0])
    expected = torch.nn.functional.cross_entropy(logits, labels, label_smoothing=0.2)
    assert loss(logits, labels) == expected


def test_unknown_loss_suggests_the_nearest() -> None:
    """A mistyped name names the one that was meant."""
    with pytest.raises(ConfigError, match=r"unknown loss 'CrossEntropy'\. Did you mean 'CrossEntropyLoss'\?"):
        build_loss(NamedArgs(name="CrossEntropy"))


def test_unfitting_arguments_are_named() -> None:
    """A keyword that the class lacks is an error of the config."""
    with pytest.raises(ConfigError, match=r"loss: CrossEntropyLoss does not take these arguments \(.*smooth"):
        build_loss(NamedArgs(name="CrossEntropyLoss", smooth=0.1))


def test_validation_loss_has_no_smoothing_and_sums() -> None:
    """What is compared between runs is the plain loss."""
    loss = validation_loss(NamedArgs(name="CrossEntropyLoss", label_smoothing=0.2))
    logits, labels = torch.randn(5, 3), torch.tensor([0, 1, 2, 0, 1])
    assert torch.isclose(
        loss(logits, labels), torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    )


def test_class_weights_agree_with_scikit_learn() -> None:
    """The formula is scikit-learn's, and a class without images weighs nothing."""
    labels = np.array([0, 0, 0, 0, 1, 3, 3])
    expected = compute_class_weight("balanced", classes=np.array([0, 1, 3]), y=labels)
    weights = balanced_class_weights(labels, 4)
    np.testing.assert_allclose(weights[[0, 1, 3]], expected, rtol=1e-6)
    assert weights[2] == 0


def test_names_the_first_step_that_is_not_finite() -> None:
    """Of several bad losses the first one counts."""
    losses = [torch.tensor(value) for value in (1.0, 2.0, float("inf"), float("nan"))]
    assert check_finite(losses, first_step=11) == 13
    assert check_finite(losses[:2], first_step=11) is None
    assert check_finite([], first_step=1) is None


@pytest.mark.parametrize(
    "loss",
    [
        {"name": "BCEWithLogitsLoss"},
        {"name": "MSELoss"},
        {"name": "CTCLoss"},
        {"name": "GaussianNLLLoss"},
        {"name": "TripletMarginLoss"},
        {"name": "MultiLabelMarginLoss"},
        {"name": "PoissonNLLLoss"},
        {"name": "CrossEntropyLoss", "reduction": "none"},
    ],
)
def test_a_loss_of_another_shape_is_refused(loss: dict[str, str]) -> None:
    """Whatever is no mean over logits and labels says so before anything is trained."""
    with pytest.raises(
        ConfigError,
        match=rf"loss\.name: {loss['name']} does not give one number for logits of 3 classes .*CrossEntropyLoss",
    ):
        check_loss(NamedArgs.model_validate(loss), 3, mixing=False)


def test_a_loss_of_log_probabilities_is_refused() -> None:
    """NLLLoss would take logits without a word and learn nonsense."""
    with pytest.raises(ConfigError, match="NLLLoss expects logarithms of probabilities"):
        check_loss(NamedArgs(name="NLLLoss"), 3, mixing=False)


def test_a_loss_of_labels_is_refused_with_mixing() -> None:
    """A margin has no share of two classes; cross entropy has."""
    check_loss(NamedArgs(name="CrossEntropyLoss"), 2, mixing=True)
    check_loss(NamedArgs(name="MultiMarginLoss"), 2, mixing=False)
    with pytest.raises(ConfigError, match=r"MultiMarginLoss takes labels only, and mixup or CutMix"):
        check_loss(NamedArgs(name="MultiMarginLoss"), 2, mixing=True)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize("weight", [None, torch.tensor([1.0, 2.0, 0.5])])
@pytest.mark.parametrize("mixed", [False, True])
def test_a_focal_loss_of_gamma_0_is_cross_entropy(
    reduction: str, smoothing: float, weight: torch.Tensor | None, mixed: bool
) -> None:
    """For labels and for mixed targets, with class weights and smoothing, as a mean and as a sum."""
    logits = torch.randn(5, 3)
    targets = torch.softmax(torch.randn(5, 3), dim=1) if mixed else torch.tensor([0, 2, 1, 1, 0])
    arguments = {"weight": weight, "reduction": reduction, "label_smoothing": smoothing}
    ours, torchs = FocalLoss(gamma=0.0, **arguments), torch.nn.CrossEntropyLoss(**arguments)
    assert ours(logits, targets) == pytest.approx(torchs(logits, targets).item(), rel=1e-5)


def test_a_focal_loss_is_found_by_name_and_follows_its_formula() -> None:
    """An image that is right with 0.9 counts a hundredth of its cross entropy at gamma 2."""
    loss = build_loss(NamedArgs(name="FocalLoss", gamma=2.0))
    logits = torch.log(torch.tensor([[0.9, 0.1]]))
    assert loss(logits, torch.tensor([0])).item() == pytest.approx(0.01 * -np.log(0.9), rel=1e-4)
    check_loss(NamedArgs(name="FocalLoss"), 3, mixing=True)
    assert validation_loss(NamedArgs(name="FocalLoss", gamma=1.0)).reduction == "sum"
    with pytest.raises(
        ConfigError, match=r"FocalLoss does not take these arguments \(reduction is mean or sum, not none"
    ):
        build_loss(NamedArgs(name="FocalLoss", reduction="none"))
