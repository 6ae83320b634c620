"""One final wrapper around any timm network: logits, embeddings, and where its weights come from."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from imgclf.errors import ModelError


@dataclass(frozen=True)
class InputSpec:
    """The input that the weights in use were trained with.

    Attributes:
        image_size: (height, width) in pixels.
        mean: per-channel mean in [0, 1]; its length is the number of channels.
        std: per-channel standard deviation in [0, 1].
        crop_fraction: the share of the resized image that the centre crop keeps, timm's ``crop_pct``.
        interpolation: ``nearest``, ``bilinear``, ``bicubic`` or ``lanczos``.
    """

    image_size: tuple[int, int]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    crop_fraction: float
    interpolation: str


@dataclass(frozen=True)
class Origin:
    """How a classifier was made: enough to build the same network again, and where its weights began.

    Attributes:
        arch: the timm name, with its pretrained tag where one was given.
        arch_args: keyword arguments for ``timm.create_model``; JSON values only.
        head: ``{"dropout": float, "hidden": int}``.
        image_size: (height, width) in pixels that it was built and checked for.
        package: what registered the network: ``timm``, ``imgclf`` or a plugin's package and version.
        input_spec: input of the pretrained weights in use, None from scratch.
        pretrained_source: "timm resnet18.a1_in1k" or "file weights.safetensors", None from scratch.
        notes: one-line messages for the user about choices made on the way.
    """

    arch: str
    arch_args: Mapping[str, Any] = field(default_factory=dict)
    head: Mapping[str, Any] = field(default_factory=lambda: {"dropout": 0.0, "hidden": 0})
    image_size: tuple[int, int] = (224, 224)
    package: str = "timm"
    input_spec: InputSpec | None = None
    pretrained_source: str | None = None
    notes: tuple[str, ...] = ()


@final
class Classifier(nn.Module):
    """A timm network with our head.

    Without a hidden layer the network's own classifier gives the logits. With one, the network ends at its
    pooled features and ``hidden_head`` (linear, ReLU, dropout, linear) stands on them.

    Args:
        network: a timm model with ``num_classes`` outputs, or with 0 where there is a hidden head.
        num_classes: K.
        origin: how it was made.
        hidden_head: maps embeddings (N, D) to logits (N, K), or None.
    """

    def __init__(
        self, network: nn.Module, num_classes: int, origin: Origin, hidden_head: nn.Sequential | None = None
    ) -> None:
        super().__init__()
        # timm's classes share an interface, not a base class: to the type checker they are Any.
        self.network: Any = network
        self.hidden_head = hidden_head
        self.num_classes = num_classes
        self.origin = origin

    @property
    def arch(self) -> str:
        """The timm name of the network."""
        return self.origin.arch

    @property
    def arch_args(self) -> dict[str, Any]:
        """Keyword arguments that rebuild the network; stored in the model file."""
        return dict(self.origin.arch_args)

    @property
    def head(self) -> dict[str, Any]:
        """``{"dropout": float, "hidden": int}``; stored in the model file."""
        return dict(self.origin.head)

    @property
    def input_spec(self) -> InputSpec | None:
        """The input of the pretrained weights in use; None from scratch."""
        return self.origin.input_spec

    @property
    def image_size(self) -> tuple[int, int]:
        """(height, width) in pixels that the network was built and checked for."""
        return self.origin.image_size

    @property
    def package(self) -> str:
        """What registered the network: ``timm``, ``imgclf`` or a plugin's package and version."""
        return self.origin.package

    @property
    def pretrained_source(self) -> str | None:
        """Where the weights began; None from scratch."""
        return self.origin.pretrained_source

    @property
    def notes(self) -> tuple[str, ...]:
        """One-line messages for the user, such as that no pretrained weights were at hand."""
        return self.origin.notes

    def forward(self, images: Tensor) -> Tensor:
        """Return logits (N, K) for normalised images (N, C, H, W)."""
        if self.hidden_head is None:
            logits: Tensor = self.network(images)
            return logits
        return self.classify(self.embed(images))

    def forward_features(self, images: Tensor) -> Tensor:
        """Return the network's last features as timm lays them out: (N, C, H, W), (N, H, W, C) or (N, T, C)."""
        features: Tensor = self.network.forward_features(images)
        return features

    def embed(self, images: Tensor) -> Tensor:
        """Return the pooled penultimate features (N, D), before a hidden head where there is one."""
        features: Tensor = self.network.forward_head(self.forward_features(images), pre_logits=True)
        return features.flatten(1)

    def classify(self, embeddings: Tensor) -> Tensor:
        """Return the logits (N, K) of embeddings (N, D); in eval mode ``classify(embed(x))`` equals ``forward(x)``.

        Exact but for networks with two classifiers on two tokens (deit distilled): their mean here, where
        the network itself classifies each token by its own.

        Raises:
            ModelError: the network's classifiers work on branches that the embeddings no longer tell apart.
        """
        if self.hidden_head is not None:
            logits: Tensor = self.hidden_head(embeddings)
            return logits
        classifiers = self._classifiers()
        if any(isinstance(module, nn.ModuleList) for module in classifiers):
            raise ModelError(
                f"The classifiers of '{self.arch}' cannot be applied to embeddings: each works on a branch of its own. "
                f"Give the model a head with --set head.hidden=256."
            )
        return torch.stack([_apply_to_vectors(module, embeddings) for module in classifiers]).mean(0)

    def head_modules(self) -> list[nn.Module]:
        """Return what is made for these classes: the hidden head, or the network's classifier or classifiers."""
        return [self.hidden_head] if self.hidden_head is not None else self._classifiers()

    def head_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that start anew for these classes: the hidden head or the classifier."""
        return [parameter for module in self.head_modules() for parameter in module.parameters()]

    def backbone_parameters(self) -> list[nn.Parameter]:
        """Return every parameter that is not the head's."""
        head = {id(parameter) for parameter in self.head_parameters()}
        return [parameter for parameter in self.parameters() if id(parameter) not in head]

    def freeze_batch_norm(self) -> None:
        """Put the backbone's batch norms in eval mode, so that a frozen backbone keeps its statistics.

        ``train()`` undoes it: call it after every switch to training.
        """
        for module in self.network.modules():
            if isinstance(module, _BatchNorm):
                module.eval()

    def _classifiers(self) -> list[nn.Module]:
        # deit distilled, levit and efficientformer have two classifiers.
        found = self.network.get_classifier()
        return list(found) if isinstance(found, tuple | list) else [found]


def _apply_to_vectors(module: nn.Module, embeddings: Tensor) -> Tensor:
    """Apply a classifier to (N, D); some timm heads classify by 1x1 convolution and want (N, D, 1, 1)."""
    if isinstance(module, nn.Conv2d):
        return module(embeddings[:, :, None, None]).flatten(1)  # type: ignore[no-any-return]
    result: Tensor = module(embeddings)
    return result
