"""What a saliency method is, and how a name that ``--method`` takes becomes one."""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from torch import Tensor

from imgclf.errors import UsageError
from imgclf.models import Classifier, FeatureLayer
from imgclf.plugins import ExtensionPoint


@runtime_checkable
class Method(Protocol):
    """One way to a saliency map."""

    @property
    def name(self) -> str:
        """What ``--method`` takes."""
        ...

    @property
    def title(self) -> str:
        """The name as its authors write it."""
        ...

    @property
    def note(self) -> str:
        """One line on what it does, with the paper."""
        ...

    @property
    def by_layer(self) -> bool:
        """Whether it explains by a layer that is chosen; otherwise its maps are of the pixels themselves."""
        ...

    @property
    def slow(self) -> str:
        """What makes it slow, as in "asks the model once for each channel of a layer"; empty where it is not."""
        ...

    def maps(
        self, network: Classifier, images: Tensor, classes: Sequence[int], layer: FeatureLayer | None
    ) -> np.ndarray:
        """Return where each image holds evidence for its class.

        Args:
            network: its parameters may be frozen. Nobody else uses it meanwhile, so hooks may stand in it; they must
                be gone at the end, whatever happens.
            images: (N, C, H, W), normalised: zero is the mean colour of the data that it was trained on.
            classes: N class indices; the logit of each is explained.
            layer: of this very network; None where ``by_layer`` is false.

        Returns:
            float32 (N, h, w), 0 and up (what speaks against the class is cut to zero), not rescaled, over the whole
            input, in whatever resolution.

        Raises:
            ModelError: the method cannot explain such a network or layer.
            MissingExtraError: it needs an extra that is not installed.
        """
        ...


METHODS = ExtensionPoint(
    "imgclf.methods",
    "method",
    Method,  # type: ignore[type-abstract]  # it is only asked whether a plugin is one
    "`name`, `title`, `note`, `by_layer`, `slow` and `maps(network, images, classes, layer)`",
)


def choose_methods(names: str | tuple[str, ...]) -> tuple[Method, ...]:
    """Return the methods of these names.

    Args:
        names: some names, or one text with commas between them.

    Raises:
        UsageError: there is no such method, or none was named.
        PluginError: the plugin of that name is broken.
    """
    given = names.split(",") if isinstance(names, str) else list(names)
    wanted = [name.strip().lower() for name in given if name.strip()]
    if not wanted:
        raise UsageError(f"No method was named. Known: {', '.join(METHODS.names())}.")
    return tuple(METHODS.load(name) for name in dict.fromkeys(wanted))
