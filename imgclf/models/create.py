"""Make a classifier: for training by name, or again from a model file's header."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import timm
from torch import Tensor, nn

import imgclf.models.nets  # noqa: F401 - registers our networks with timm
from imgclf.models.classifier import Classifier, Origin
from imgclf.records import ModelHeader


def create_classifier(
    name: str,
    num_classes: int,
    *,
    pretrained: str = "auto",
    weights: Path | None = None,
    image_size: tuple[int, int] | None = None,
    channels: int = 3,
    head: Mapping[str, Any] | None = None,
    arch_args: Mapping[str, Any] | None = None,
) -> Classifier:
    """Make a classifier by its timm name."""
    head = {"dropout": 0.0, "hidden": 0, **(head or {})}
    args = {**(arch_args or {}), "in_chans": channels}
    hidden = int(head["hidden"])
    network_args = dict(args)
    if head["dropout"] and not hidden:
        network_args["drop_rate"] = head["dropout"]
    network = timm.create_model(name, num_classes=0 if hidden else num_classes, **network_args)
    origin = Origin(arch=name, arch_args=args, head=head)
    return Classifier(
        network, num_classes, origin, _hidden_head(network, num_classes, head) if hidden else None
    )


def classifier_from_header(header: ModelHeader, weights: Mapping[str, Tensor]) -> Classifier:
    """Rebuild the classifier of a model file, in eval mode; never downloads."""
    classifier = create_classifier(
        header.arch,
        len(header.class_names),
        pretrained="no",
        image_size=header.preprocessing.image_size,
        channels=header.preprocessing.channels,
        head=header.head,
        arch_args=header.arch_args,
    )
    classifier.load_state_dict(dict(weights))
    return classifier.eval()


def _hidden_head(network: Any, num_classes: int, head: Mapping[str, Any]) -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(network.head_hidden_size, head["hidden"]),
        nn.ReLU(inplace=True),
        nn.Dropout(head["dropout"]),
        nn.Linear(head["hidden"], num_classes),
    )
