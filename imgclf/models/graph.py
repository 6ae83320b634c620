"""The network as a graph: one pass gives logits, embeddings and what layers hold."""

import logging
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import final

import torch
from torch import Tensor, nn

from imgclf.models.classifier import Classifier
from imgclf.models.layers import FeatureLayer
from imgclf.records import Preprocessing


@final
class ExportGraph(nn.Module):
    """What an exported file computes.

    Args:
        classifier: in eval mode.
        preprocessing: the model's own.
        baked: take uint8 (N, H, W, C) and normalise inside; else normalised float32 (N, C, H, W).
        layers: of this very classifier; their outputs follow the embeddings.
    """

    scale: Tensor
    shift: Tensor

    def __init__(
        self,
        classifier: Classifier,
        preprocessing: Preprocessing,
        baked: bool,
        layers: Sequence[FeatureLayer] = (),
    ) -> None:
        super().__init__()
        self.classifier = classifier
        self.baked = baked
        self.layers = tuple(layers)
        std = torch.tensor(preprocessing.std, dtype=torch.float64)
        mean = torch.tensor(preprocessing.mean, dtype=torch.float64)
        self.register_buffer("scale", (1 / (255 * std)).float(), persistent=False)
        self.register_buffer("shift", (-mean / std).float(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, ...]:
        """Return logits (N, K), embeddings (N, D) and the layers' outputs, each in its own layout."""
        if self.baked:
            images = (images.float() * self.scale + self.shift).permute(0, 3, 1, 2)
        with _outputs(self.layers) as outputs:
            logits, embeddings = self._head(self.classifier.network.forward_features(images))
        return logits, embeddings, *(outputs[layer.name] for layer in self.layers)

    def _head(self, features: Tensor) -> tuple[Tensor, Tensor]:
        network = self.classifier.network
        embeddings = network.forward_head(features, pre_logits=True).flatten(1)
        if self.classifier.hidden_head is not None:
            return self.classifier.hidden_head(embeddings), embeddings
        # Both heads on the same features: what they share is computed once after common-subexpression elimination.
        return network.forward_head(features), embeddings


@contextmanager
def _outputs(layers: Sequence[FeatureLayer]) -> Iterator[dict[str, Tensor]]:
    """Collect what layers give: of one that runs several times, the last.

    A copy is handed on, so that an activation that works in place leaves what is collected as it is.
    """
    outputs: dict[str, Tensor] = {}

    def collect(name: str, output: Tensor) -> Tensor:
        outputs[name] = output
        return output.clone()

    hooks = [
        layer.module.register_forward_hook(lambda _, __, output, name=layer.name: collect(name, output))
        for layer in layers
    ]
    try:
        yield outputs
    finally:
        for hook in hooks:
            hook.remove()


def example_input(preprocessing: Preprocessing, baked: bool) -> Tensor:
    """Return two blank images in the layout that the graph takes; one alone would be taken for a fixed size."""
    height, width = preprocessing.image_size
    if baked:
        return torch.zeros(2, height, width, preprocessing.channels, dtype=torch.uint8)
    return torch.zeros(2, preprocessing.channels, height, width)


@contextmanager
def quiet_export() -> Iterator[None]:
    """Keep the exporters' own chatter (deprecations, advice to themselves) from the user's screen."""
    logging.disable(logging.WARNING)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(logging.NOTSET)
