"""Plain convolutional networks: ``cnn3`` and ``cnn4``, blocks of convolution, batch norm, ReLU, max pooling."""

from typing import Any, final

from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.blocks import convolution
from imgclf.models.nets.dense_head import DenseHead
from imgclf.models.nets.interface import SmallNet, build_small_net, feature_levels, small_image_cfg
from imgclf.models.nets.pooled_head import PooledHead

default_cfgs = generate_default_cfgs(
    {"cnn3": small_image_cfg("blocks.0.0"), "cnn4": small_image_cfg("blocks.0.0", size=150)}
)


@final
class PlainCNN(SmallNet):
    """As many blocks as widths, each halving the map; then dense layers, or global pooling and one layer.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        widths: channels of each block.
        hidden: width of a dense layer on a 4x4 grid of features; 0 pools globally and has none.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "avg",
        widths: tuple[int, ...] = (32, 64, 128),
        hidden: int = 0,
    ) -> None:
        super().__init__()
        inputs = (in_chans, *widths[:-1])
        blocks = [nn.Sequential(*convolution(i, o, pool=True)) for i, o in zip(inputs, widths, strict=True)]
        self.blocks = nn.Sequential(*blocks)
        self.feature_info = feature_levels(list(widths), [f"blocks.{i}" for i in range(len(widths))])
        head: PooledHead | DenseHead
        if hidden:
            head = DenseHead(
                widths[-1], num_classes, grid=4, hidden=hidden, pool_type=global_pool, drop_rate=drop_rate
            )
        else:
            head = PooledHead(widths[-1], num_classes, pool_type=global_pool, drop_rate=drop_rate)
        self._finish(head, num_classes, in_chans, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, widths[-1], h, w), halved once a block."""
        result: Tensor = self.blocks(x)
        return result


@register_model
def cnn3(pretrained: bool = False, **kwargs: Any) -> PlainCNN:
    """Three blocks of 64, 128 and 256 channels, dropout 0.6 and dense layers: made for 32-pixel images."""
    args = {"widths": (64, 128, 256), "hidden": 512, "drop_rate": 0.6, **kwargs}
    return build_small_net(PlainCNN, "cnn3", pretrained, **args)


@register_model
def cnn4(pretrained: bool = False, **kwargs: Any) -> PlainCNN:
    """Four blocks of 32 to 256 channels and global average pooling: made for photos of about 150 pixels."""
    args = {"widths": (32, 64, 128, 256), **kwargs}
    return build_small_net(PlainCNN, "cnn4", pretrained, levels=4, **args)
