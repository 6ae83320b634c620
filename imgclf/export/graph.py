"""The network as a graph to export: one pass gives logits and embeddings, optionally from raw pixels."""

from typing import final

import torch
from torch import Tensor, nn

from imgclf.models import Classifier
from imgclf.records import Preprocessing


@final
class ExportGraph(nn.Module):
    """What an exported file computes.

    Args:
        classifier: in eval mode.
        preprocessing: the model's own.
        baked: take uint8 (N, H, W, C) and normalise inside; else normalised float32 (N, C, H, W).
    """

    scale: Tensor
    shift: Tensor

    def __init__(self, classifier: Classifier, preprocessing: Preprocessing, baked: bool) -> None:
        super().__init__()
        self.classifier = classifier
        self.baked = baked
        std = torch.tensor(preprocessing.std, dtype=torch.float64)
        mean = torch.tensor(preprocessing.mean, dtype=torch.float64)
        self.register_buffer("scale", (1 / (255 * std)).float(), persistent=False)
        self.register_buffer("shift", (-mean / std).float(), persistent=False)

    def forward(self, images: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, K) and embeddings (N, D)."""
        if self.baked:
            images = (images.float() * self.scale + self.shift).permute(0, 3, 1, 2)
        network = self.classifier.network
        features = network.forward_features(images)
        embeddings = network.forward_head(features, pre_logits=True).flatten(1)
        if self.classifier.hidden_head is not None:
            return self.classifier.hidden_head(embeddings), embeddings
        # Both heads on the same features: what they share is computed once after common-subexpression elimination.
        return network.forward_head(features), embeddings


def example_input(preprocessing: Preprocessing, baked: bool) -> Tensor:
    """Return two blank images in the layout that the graph takes; one alone would be taken for a fixed size."""
    height, width = preprocessing.image_size
    if baked:
        return torch.zeros(2, height, width, preprocessing.channels, dtype=torch.uint8)
    return torch.zeros(2, preprocessing.channels, height, width)
