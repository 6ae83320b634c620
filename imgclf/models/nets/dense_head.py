"""A head of two dense layers on a small grid of pooled features."""

from timm.layers.adaptive_avgmax_pool import SelectAdaptivePool2d
from torch import Tensor, nn


class DenseHead(nn.Module):
    """Pool to a grid, flatten, linear, ReLU, dropout, linear: the dense layers of classic small CNNs.

    Adaptive pooling in place of a bare flatten lets the network take images of any size; at the size that it
    is made for, the pooling changes nothing.

    Args:
        in_features: channels of the features.
        num_classes: outputs; 0 for none.
        grid: side of the pooled grid.
        hidden: width of the first dense layer, and of the embeddings.
        pool_type: timm pooling type.
        drop_rate: dropout before the last layer.
    """

    def __init__(
        self, in_features: int, num_classes: int, *, grid: int, hidden: int, pool_type: str, drop_rate: float
    ) -> None:
        super().__init__()
        self.grid = grid
        self.num_features = hidden
        self.global_pool = SelectAdaptivePool2d(output_size=grid, pool_type=pool_type, flatten=True)
        self.dense = nn.Linear(in_features * grid**2, hidden)
        self.act = nn.ReLU(inplace=True)
        self.drop = nn.Dropout(drop_rate)
        self.fc: nn.Module
        self.reset(num_classes)

    def reset(self, num_classes: int, pool_type: str | None = None) -> None:
        """Replace the last layer, and the pooling where one is named."""
        self.fc = nn.Linear(self.num_features, num_classes) if num_classes > 0 else nn.Identity()
        if pool_type is not None:
            self.global_pool = SelectAdaptivePool2d(output_size=self.grid, pool_type=pool_type, flatten=True)

    def forward(self, x: Tensor, pre_logits: bool = False) -> Tensor:
        """Map features (N, in_features, h, w) to logits (N, num_classes), or to embeddings (N, hidden)."""
        x = self.act(self.dense(self.global_pool(x)))
        if pre_logits:
            return x
        result: Tensor = self.fc(self.drop(x))
        return result
