"""Which class is explained, and by which method."""

import re

import numpy as np
import pytest

from imgclf.errors import UsageError
from imgclf.explain import choose_methods
from imgclf.explain.targets import choose_target

NAMES = ("cat", "dog", "7", "2")
ROW = np.array([0.1, 0.6, 0.0, 0.3])


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("predicted", (1,)),
        ("true", (0,)),
        ("top-2", (1, 3)),
        ("top-9", (1, 3, 0, 2)),
        ("dog", (1,)),
        ("7", (2,)),
        ("2", (3,)),
        ("0", (0,)),
    ],
)
def test_targets(text: str, classes: tuple[int, ...]):
    """Words first, then names, then indices."""
    assert choose_target(text, NAMES).classes(ROW, 0) == classes


def test_a_true_class_that_nobody_knows():
    """There is nothing to explain then."""
    assert choose_target("true", NAMES).classes(ROW, None) == ()


@pytest.mark.parametrize("text", ["dug", "4", "top-0", "top-x", ""])
def test_an_unknown_target_names_what_there_is(text: str):
    """With a suggestion for a slip of the pen."""
    meant = " Did you mean 'dog'?" if text == "dug" else ""
    sentence = (
        f"The target '{text}' is none of predicted, true, top-K (such as top-3), a class name or an index below 4."
        f"{meant} Classes: cat, dog, 7, 2."
    )
    with pytest.raises(UsageError, match=f"^{re.escape(sentence)}$"):
        choose_target(text, NAMES)


def test_methods_by_name():
    """With commas, in any case, each once."""
    chosen = choose_methods("GradCAM, layercam,gradcam")
    assert [method.name for method in chosen] == ["gradcam", "layercam"]


def test_an_unknown_method_lists_them():
    """With the nearest name first."""
    with pytest.raises(
        UsageError,
        match=r"^Unknown method 'gradcat'\. Did you mean 'gradcam'\? Known: ablationcam, ",
    ):
        choose_methods("gradcat")
    with pytest.raises(UsageError, match=r"^No method was named\. Known: ablationcam, "):
        choose_methods(" , ")
