"""From logits to probabilities to a decision, and whether it is right."""

import numpy as np
import pytest

from imgclf.errors import UsageError
from imgclf.task import NOT_A_NUMBER, SINGLE_LABEL, UNKNOWN, Decision, is_better, is_loss, rescale, sign_of

PROBABILITIES = np.array([[0.5, 0.3, 0.2], [0.1, 0.1, 0.8], [0.4, 0.4, 0.2]])


def test_prediction_is_the_most_probable_class_and_the_first_of_equal_ones() -> None:
    """Argmax, confidence and correctness agree with each other."""
    assert SINGLE_LABEL.predicted(PROBABILITIES).tolist() == [0, 2, 0]
    assert SINGLE_LABEL.confidence(PROBABILITIES).tolist() == [0.5, 0.8, 0.4]
    assert SINGLE_LABEL.correct(PROBABILITIES, np.array([0, 1, 0])).tolist() == [True, False, True]


def test_no_images_have_no_predictions() -> None:
    """Nothing in, nothing out."""
    none = np.empty((0, 3))
    assert len(SINGLE_LABEL.predicted(none)) == len(SINGLE_LABEL.confidence(none)) == 0


def test_below_the_threshold_the_label_is_unknown_and_the_rest_stays() -> None:
    """A declined image still says what it might be."""
    found = SINGLE_LABEL.prediction("a.png", PROBABILITIES[0], ("x", "y", "z"), Decision(2, 0.6))
    assert (found.label, found.confidence) == (UNKNOWN, 0.5)
    assert found.top_k == (("x", 0.5), ("y", 0.3))


def test_confidence_at_the_threshold_is_enough() -> None:
    """The threshold itself is not below the threshold."""
    found = SINGLE_LABEL.prediction("a.png", PROBABILITIES[0], ("x", "y", "z"), Decision(threshold=0.5))
    assert found.label == "x"


def test_what_is_not_a_number_is_an_error() -> None:
    """Weights that diverged give no confident first class."""
    found = SINGLE_LABEL.prediction("a.png", np.array([0.5, np.nan]), ("x", "y"), Decision())
    assert (found.label, found.error) == (None, NOT_A_NUMBER)


def test_temperature_can_be_changed_afterwards() -> None:
    """Rescaled probabilities are those of the divided logits."""
    logits = np.log(PROBABILITIES)
    expected = SINGLE_LABEL.probabilities(logits, 2.0)
    np.testing.assert_allclose(SINGLE_LABEL.at_temperature(PROBABILITIES, 1.0, 2.0), expected)
    assert rescale(PROBABILITIES, 3.0, 3.0) is PROBABILITIES


@pytest.mark.parametrize(
    ("top_k", "threshold", "sentence"),
    [
        (0, None, "top_k is 0, but it must be 1 or more."),
        (1, 1.5, "The threshold is 1.5, but a confidence is between 0 and 1."),
        (1, float("nan"), "The threshold is nan, but a confidence is between 0 and 1."),
    ],
)
def test_impossible_decisions_are_refused(top_k: int, threshold: float | None, sentence: str) -> None:
    """What was asked for is said."""
    with pytest.raises(UsageError) as raised:
        Decision(top_k, threshold)
    assert str(raised.value) == sentence


def test_losses_are_better_when_smaller() -> None:
    """Every other metric is better when larger."""
    assert [is_loss(name) for name in ("val_loss", "train_loss", "val_macro_f1")] == [True, True, False]
    assert (sign_of("val_loss"), sign_of("val_accuracy")) == (-1, 1)
    assert is_better(0.3, 0.4, "val_loss")
    assert not is_better(0.3, 0.4, "val_loss", by_more_than=0.2)
    assert is_better(0.5, 0.4, "val_accuracy")
    assert not is_better(0.4, 0.4, "val_accuracy")
