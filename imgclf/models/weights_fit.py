"""Fit the weights of a file into a network: what has the same name and shape is taken, the rest is told."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from imgclf.errors import ModelError
from imgclf.models.weights_file import WeightsFile
from imgclf.models.weights_names import as_tuple, by_order, fitting, is_weight, own_names

_ENOUGH = 0.5  # below this share of matching tensors the file is another architecture's
_WHOLE = 0.95  # below this share, of the network's tensors or of the file's, a warning is due
_SHOWN = 3  # names listed in a message


@dataclass(frozen=True)
class Fit:
    """What of a weights file a network took.

    Attributes:
        note: sentences for the user.
        classifier: whether the file's classifier was taken too; else it starts anew.
    """

    note: str
    classifier: bool


def fit_weights(network: Any, file: WeightsFile, arch: str) -> Fit:
    """Load a weights file into a network, in place.

    The classifier is left as it is where the file's has another number of classes; the first convolution is
    adapted to the number of colour channels, positions of a ViT to its image size.

    Args:
        network: a timm model on the CPU.
        file: the weights.
        arch: the network's name, for the message.

    Raises:
        ModelError: the file holds the weights of another architecture.
    """
    match = _match(network, file, arch)
    network.load_state_dict(match.taken, strict=False)
    return Fit(match.sentences(), match.classifier)


@dataclass(frozen=True, eq=False)
class _Match:
    """A file's tensors beside a network's.

    Attributes:
        file: the weights file.
        arch: the network's name.
        own: the network's tensors.
        given: the file's, under the network's names where these were found.
        head: names of the classifier's tensors.
        ordered: whether names were given by order.
    """

    file: WeightsFile
    arch: str
    own: Mapping[str, Tensor]
    given: Mapping[str, Tensor]
    head: list[str]
    ordered: bool = False

    @property
    def taken(self) -> dict[str, Tensor]:
        return fitting(self.own, self.given)

    @property
    def body(self) -> list[str]:
        return [name for name in self.own if is_weight(name) and name not in self.head]

    @property
    def loaded(self) -> list[str]:
        return [name for name in self.body if name in self.taken]

    @property
    def classifier(self) -> bool:
        return bool(self.head) and all(name in self.taken for name in self.head)

    def enough(self) -> bool:
        return len(self.loaded) >= _ENOUGH * len(self.body)

    def sentences(self) -> str:
        """Say what was loaded, what starts anew and what of the file was not used; a warning where that is much."""
        loaded, body = self.loaded, self.body
        anew = [name for name in body if name not in self.taken]
        unused = [name for name in self.given if name not in self.own and is_weight(name)]
        how = " by their order, since only the names differ" if self.ordered else ""
        told = [
            f"Loaded {len(loaded)} of {len(body)} tensors of '{self.arch}' from {self.file.path.name}{how}"
        ]
        if self.classifier:
            told[0] += ", and the classifier"
        elif self.head:
            told[0] += f"; the classifier starts anew{self._class_counts()}"
        if anew:
            told.append(f"Starting anew: {_some([self._with_shapes(name) for name in anew])}")
        if unused:
            told.append(f"Not used, of the file: {_some(unused)}")
        partial = len(loaded) < _WHOLE * len(body)
        leftover = len(unused) > (1 - _WHOLE) * len(self.given)
        warning = "Warning: " if partial or leftover else ""
        return f"{warning}{'. '.join(told)}."

    def other_architecture(self) -> ModelError:
        """Return the error of a file that does not fit."""
        missing = [name for name in self.own if name not in self.given and is_weight(name)]
        unknown = [name for name in self.given if name not in self.own]
        shapes = [
            name for name in self.given if name in self.own and self.given[name].shape != self.own[name].shape
        ]
        told = (("missing", missing), ("unknown", unknown), ("other shape", shapes))
        details = "; ".join(f"{what}: {', '.join(names[:_SHOWN])}" for what, names in told if names)
        return ModelError(
            f"The weights file '{self.file.path}' does not fit '{self.arch}': only {len(self.loaded)} of "
            f"{len(self.body)} tensors match ({details}). {self._advice(unknown)}"
        )

    def _advice(self, unknown: list[str]) -> str:
        header = self.file.header
        if header is not None and header.arch != self.arch:
            return f"It says that it holds '{header.arch}'; use --model {header.arch}."
        if len(unknown) == len(self.given) and len(self.given) >= len(self.body):
            return (
                "Name its own architecture with --model. If it is this one under other names, rename them: neither "
                "the names nor the shapes in their order agree."
            )
        return "Name its own architecture with --model."

    def _class_counts(self) -> str:
        """Return " (the file has 5 classes, these data 10)" where the shapes tell."""
        pairs = [
            (self.given[name], self.own[name])
            for name in self.head
            if name in self.given and self.given[name].ndim and self.own[name].ndim
        ]
        if not pairs or pairs[0][0].shape[0] == pairs[0][1].shape[0]:
            return ""
        return f" (the file has {pairs[0][0].shape[0]} classes, these data {pairs[0][1].shape[0]})"

    def _with_shapes(self, name: str) -> str:
        if name not in self.given:
            return name
        theirs, own = ("x".join(map(str, each[name].shape)) for each in (self.given, self.own))
        return f"{name} ({theirs} in the file, {own} here)"


def _match(network: Any, file: WeightsFile, arch: str) -> _Match:
    own = network.state_dict()
    head = [name for name in own if _is_classifier(network, name)]
    match = _Match(file, arch, own, own_names(network, file.tensors), head)
    if match.enough():
        return match
    ordered = by_order(own, file.tensors, head)
    if ordered is None:
        raise match.other_architecture()
    return _Match(file, arch, own, ordered, head, ordered=True)


def _is_classifier(network: Any, name: str) -> bool:
    return any(name.startswith(f"{each}.") for each in as_tuple(network.pretrained_cfg.get("classifier")))


def _some(names: list[str]) -> str:
    """Return the first names and how many more there are."""
    more = len(names) - _SHOWN
    return ", ".join(names[:_SHOWN]) + (f" and {more} more" if more > 0 else "")
