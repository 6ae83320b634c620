"""Losses by name, class weights, and the watch for NaN."""

import numpy as np
import pytest
import torch
from sklearn.utils.class_weight import compute_class_weight

from imgclf.errors import ConfigError
from imgclf.recipes import NamedArgs
from imgclf.training.losses import balanced_class_weights, build_loss, check_finite, validation_loss


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
