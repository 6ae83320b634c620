"""What timm expects of every network, written once for ours."""

from abc import ABC, abstractmethod
from typing import Any, TypeVar

from timm.models import build_model_with_cfg
from torch import Tensor, nn

from imgclf.models.nets.dense_head import DenseHead
from imgclf.models.nets.pooled_head import PooledHead


class SmallNet(nn.Module, ABC):
    """Abstract: a convolutional network with timm's interface.

    A final subclass builds its layers, sets ``feature_info``, ends ``__init__`` with :meth:`_finish` and defines
    ``forward_features``.
    """

    feature_info: list[dict[str, Any]]
    head: PooledHead | DenseHead

    def _finish(
        self, head: PooledHead | DenseHead, num_classes: int, in_chans: int, drop_rate: float
    ) -> None:
        """Set the head, and what timm reads of every network."""
        self.head = head
        self.num_features: int = self.feature_info[-1]["num_chs"]
        self.head_hidden_size = head.num_features
        self.num_classes = num_classes
        self.in_chans = in_chans
        self.drop_rate = drop_rate

    def get_classifier(self) -> nn.Module:
        """Return the last linear layer, an identity where there are no classes."""
        return self.head.fc

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None:
        """Replace the last linear layer, and the pooling where one is named."""
        self.num_classes = num_classes
        self.head.reset(num_classes, global_pool)

    @abstractmethod
    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, num_features, h, w)."""

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Map features to logits (N, num_classes), or to pooled features (N, head_hidden_size)."""
        result: Tensor = self.head(x, pre_logits=pre_logits)
        return result

    def forward(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to logits (N, num_classes)."""
        return self.forward_head(self.forward_features(x))


Net = TypeVar("Net", bound=SmallNet)


def small_image_cfg(first_conv: str, size: int = 32) -> dict[str, Any]:
    """Return the default cfg that timm wants, for a network without pretrained weights.

    Args:
        first_conv: name of the first convolution, which timm adapts to other channel counts.
        size: side of the images in pixels that the network is made for.
    """
    return {
        "num_classes": 10,
        "input_size": (3, size, size),
        "pool_size": None,
        "crop_pct": 1.0,
        "interpolation": "bilinear",
        "mean": (0.4914, 0.4822, 0.4465),  # CIFAR-10's
        "std": (0.2470, 0.2435, 0.2616),
        "first_conv": first_conv,
        "classifier": "head.fc",
    }


def feature_levels(widths: list[int], modules: list[str], reduction: int = 2) -> list[dict[str, Any]]:
    """Return timm's ``feature_info``: channels, stride and module name of each level, each half the one before.

    Args:
        widths: channels of each level.
        modules: name of the module that ends each level.
        reduction: stride of the first level.
    """
    levels = enumerate(zip(widths, modules, strict=True))
    return [{"num_chs": width, "reduction": reduction * 2**i, "module": name} for i, (width, name) in levels]


def build_small_net(net: type[Net], name: str, pretrained: bool, levels: int = 3, **kwargs: Any) -> Net:
    """Build one of our networks by timm's own builder, so that cfgs and weights work as everywhere.

    Args:
        net: its class.
        name: its timm name.
        pretrained: load pretrained weights.
        levels: entries of its ``feature_info``, all of which ``features_only=True`` returns.
        kwargs: arguments of the class and of timm's builder.
    """
    feature_cfg = {"out_indices": tuple(range(levels)), "feature_cls": "hook"}
    model: Net = build_model_with_cfg(net, name, pretrained, feature_cfg=feature_cfg, **kwargs)
    return model
