"""A head of global pooling and one linear layer, with an optional constant factor on the logits."""

from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d
from torch import Tensor, nn
from torch.nn import functional as F


class ScaledLinear(nn.Linear):
    """A linear layer without bias whose result is multiplied by a constant.

    Args:
        in_features: width of the input.
        out_features: width of the output.
        scale: the constant.
    """

    def __init__(self, in_features: int, out_features: int, scale: float) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, in_features) to (N, out_features)."""
        return F.linear(x, self.weight) * self.scale


class GlobalMax(nn.Module):
    """The largest value of each channel: (N, C, H, W) to (N, C).

    The same numbers as adaptive max pooling to one cell, by an operator that ExecuTorch and LiteRT have too.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Reduce both axes at once."""
        return x.amax((2, 3))


class PooledHead(nn.Module):
    """Global pooling, dropout, linear: the interface of timm's ``ClassifierHead``.

    Args:
        in_features: channels of the features.
        num_classes: outputs; 0 for none.
        pool_type: timm pooling type.
        drop_rate: dropout before the linear layer.
        logit_scale: constant factor of the logits; any but 1 goes without bias.
    """

    def __init__(
        self,
        in_features: int,
        num_classes: int,
        *,
        pool_type: str,
        drop_rate: float,
        logit_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.num_features = in_features
        self.logit_scale = logit_scale
        self.global_pool = _pooling(pool_type)
        self.drop = nn.Dropout(drop_rate)
        self.fc: nn.Module
        self.reset(num_classes)

    def reset(self, num_classes: int, pool_type: str | None = None) -> None:
        """Replace the linear layer, and the pooling where one is named."""
        self.fc = self._classifier(num_classes)
        if pool_type is not None:
            self.global_pool = _pooling(pool_type)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Map features (N, in_features, h, w) to logits (N, num_classes), or to pooled features."""
        x = self.global_pool(x)
        if pre_logits:
            return x
        result: Tensor = self.fc(self.drop(x))
        return result

    def _classifier(self, num_classes: int) -> nn.Module:
        if num_classes <= 0:
            return nn.Identity()
        if self.logit_scale == 1.0:
            return nn.Linear(self.num_features, num_classes)
        return ScaledLinear(self.num_features, num_classes, self.logit_scale)


def _pooling(pool_type: str) -> nn.Module:
    if pool_type == "max":
        return GlobalMax()
    return SelectAdaptivePool2d(pool_type=pool_type, flatten=True)
