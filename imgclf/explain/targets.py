"""Which class of an image is explained."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from imgclf.errors import UsageError, suggest

_SHOWN = 10


@dataclass(frozen=True)
class Target:
    """What ``--target`` says.

    Attributes:
        kind: ``predicted``, ``true``, ``top`` or ``class``.
        number: how many of the best classes for ``top``, the class's index for ``class``.
    """

    kind: Literal["predicted", "true", "top", "class"]
    number: int = 0

    def classes(self, probabilities: np.ndarray, true_class: int | None) -> tuple[int, ...]:
        """Return the class indices to explain for one image; none where its true class is not known.

        Args:
            probabilities: (K,), what the model says.
            true_class: what the image shows, None where nobody knows.
        """
        best = [int(index) for index in np.argsort(-probabilities, kind="stable")]
        if self.kind == "true":
            return () if true_class is None else (true_class,)
        if self.kind == "class":
            return (self.number,)
        return tuple(best[: self.number if self.kind == "top" else 1])


def choose_target(text: str, class_names: Sequence[str]) -> Target:
    """Read ``predicted``, ``true``, ``top-K``, a class name or a class index.

    A class that has one of these words or a number as its name is meant by it only where nothing else is: words
    first, then names, then indices.

    Raises:
        UsageError: it is none of these.
    """
    if text in ("predicted", "true"):
        return Target("predicted" if text == "predicted" else "true")
    if text.startswith("top-") and text[4:].isdecimal() and int(text[4:]) > 0:
        return Target("top", int(text[4:]))
    if text in class_names:
        return Target("class", list(class_names).index(text))
    if text.isdecimal() and int(text) < len(class_names):
        return Target("class", int(text))
    shown = ", ".join(class_names[:_SHOWN]) + (" ..." if len(class_names) > _SHOWN else "")
    raise UsageError(
        f"The target '{text}' is none of predicted, true, top-K (such as top-3), a class name or an index below "
        f"{len(class_names)}.{suggest(text, class_names)} Classes: {shown}."
    )
