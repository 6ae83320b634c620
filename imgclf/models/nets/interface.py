"""What timm expects of every network, written once for ours."""

from typing import Any, TypeVar

from timm.layers.classifier import ClassifierHead
from timm.models import build_model_with_cfg
from torch import Tensor, nn


class SmallNet(nn.Module):
    """Abstract: a convolutional network with timm's interface.

    A final subclass builds its layers, sets ``feature_info``, ends ``__init__`` with :meth:`finish` and defines
    ``forward_features``.
    """

    feature_info: list[dict[str, Any]]

    def finish(
        self, num_features: int, num_classes: int, *, in_chans: int, drop_rate: float, global_pool: str
    ) -> None:
        """Set what timm reads of a network, and the head."""
        self.num_features = self.head_hidden_size = num_features
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.drop_rate = drop_rate
        self.head = ClassifierHead(num_features, num_classes, pool_type=global_pool, drop_rate=drop_rate)

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, an identity where there are no classes."""
        classifier: nn.Module = self.head.fc
        return classifier

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last linear layer, and the pooling where one is named."""
        self.num_classes = num_classes
        self.head.reset(num_classes, global_pool)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to features (N, num_features, h, w)."""
        raise NotImplementedError

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Map features to logits (N, num_classes), or to pooled features (N, num_features)."""
        result: Tensor = self.head(x, pre_logits=pre_logits)
        return result

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to logits (N, num_classes)."""
        return self.forward_head(self.forward_features(x))


Net = TypeVar("Net", bound=SmallNet)


def small_image_cfg(first_conv: str) -> dict[str, Any]:
    """Return timm's default cfg of a network for 32-pixel images, normalised by CIFAR-10's mean and std."""
    return {
        "num_classes": 10,
        "input_size": (3, 32, 32),
        "pool_size": None,
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "mean": (0.4914, 0.4822, 0.4465),
        "std": (0.2470, 0.2435, 0.2616),
        "first_conv": first_conv,
        "classifier": "head.fc",
    }


def build_small_net(net: type[Net], name: str, pretrained: bool, **kwargs: Any) -> Net:
    """Build one of our networks by timm's own builder, so that cfgs and weights work as everywhere."""
    model: Net = build_model_with_cfg(net, name, pretrained, **kwargs)
    return model
