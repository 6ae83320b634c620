"""The first weights of a new head: the same narrow draw for every network, however its library draws them.

timm's EfficientNet family (all MobileNets, MNASNet, LCNet ...), RexNet and DLA draw the last layer by the number of
*classes*: with two classes 25 times wider than the features need, so that the first loss is 3 to 8 instead of 0.7, and
the first steps undo what the backbone had learned.
"""

from torch import nn

from imgclf.models.classifier import Classifier
from imgclf.models.nets.pooled_head import ScaledLinear

# As torchvision draws its MobileNets' last layer: logits start near zero, so the first loss is close to ln(K).
_DEVIATION = 0.01


def draw_head(classifier: Classifier) -> None:
    """Draw the layers that give the logits anew, in place: weights from N(0, 0.01), biases zero.

    Args:
        classifier: on the CPU; hidden layers of its head, and everything below, stay as they are, and so does a last
            layer that scales its logits down by itself.
    """
    for layer in _last_layers(classifier):
        if isinstance(layer, ScaledLinear):
            continue
        nn.init.normal_(layer.weight, std=_DEVIATION)
        if layer.bias is not None:
            nn.init.zeros_(layer.bias)


def _last_layers(classifier: Classifier) -> list[nn.Linear | nn.Conv2d]:
    """Return the last linear layer or 1x1 convolution of each part of the head (some networks have two)."""
    found = []
    for part in classifier.head_modules():
        layers = [module for module in part.modules() if isinstance(module, nn.Linear | nn.Conv2d)]
        found += layers[-1:]
    return found
