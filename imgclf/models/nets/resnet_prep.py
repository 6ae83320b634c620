"""``resnet_prep``: the custom ResNet with a preparation layer that courses on CIFAR-10 build."""

import itertools
from typing import Any, final

from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.blocks import Shortcut, convolution
from imgclf.models.nets.interface import SmallNet, build_small_net, feature_levels, small_image_cfg
from imgclf.models.nets.pooled_head import PooledHead

default_cfgs = generate_default_cfgs({"resnet_prep": small_image_cfg("prep.0")})


@final
class PreparedResNet(SmallNet):
    """A preparation layer, three halving layers, some with a residual block, global max pooling, linear.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        widths: channels of the preparation layer and of each layer after it.
        residual: the layers, counted from 1, that a residual block of two convolutions follows.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "max",
        widths: tuple[int, ...] = (64, 128, 256, 512),
        residual: tuple[int, ...] = (1, 3),
    ) -> None:
        super().__init__()
        self.prep = nn.Sequential(*convolution(in_chans, widths[0]))
        layers = [
            _layer(*pair, residual=number in residual)
            for number, pair in enumerate(itertools.pairwise(widths), start=1)
        ]
        self.layers = nn.Sequential(*layers)
        self.feature_info = feature_levels(list(widths[1:]), [f"layers.{i}" for i in range(len(layers))])
        head = PooledHead(widths[-1], num_classes, pool_type=global_pool, drop_rate=drop_rate)
        self._finish(head, num_classes, in_chans, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, widths[-1], H / 8, W / 8)."""
        result: Tensor = self.layers(self.prep(x))
        return result


def _layer(inputs: int, outputs: int, *, residual: bool) -> nn.Sequential:
    modules = convolution(inputs, outputs, pool=True)
    if residual:
        modules.append(Shortcut(*convolution(outputs, outputs), *convolution(outputs, outputs)))
    return nn.Sequential(*modules)


@register_model
def resnet_prep(pretrained: bool = False, **kwargs: Any) -> PreparedResNet:
    """64 to 512 channels and residual blocks on layers 1 and 3, 6.6 M parameters."""
    return build_small_net(PreparedResNet, "resnet_prep", pretrained, **kwargs)
