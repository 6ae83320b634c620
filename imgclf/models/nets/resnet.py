"""Small residual networks for small images: ``resnet9``, ``resnet9_large`` and ``resnet_prep``.

After David Page's DAWNBench network (https://github.com/davidcpage/cifar10-fast): nine layers, no more than that.
"""

import itertools
from typing import Any, final

from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.blocks import Residual, convolution
from imgclf.models.nets.interface import SmallNet, build_small_net, feature_levels, small_image_cfg
from imgclf.models.nets.pooled_head import PooledHead

default_cfgs = generate_default_cfgs(
    {name: small_image_cfg("prep.0") for name in ("resnet9", "resnet9_large", "resnet_prep")}
)


@final
class SmallResNet(SmallNet):
    """A preparation layer, three halving layers, some with a residual block, global pooling, linear.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        widths: channels of the preparation layer and of each layer after it.
        residual: the layers, counted from 1, that a residual block follows.
        logit_scale: constant factor of the logits; 1/8 keeps the start of fast training gentle.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "max",
        widths: tuple[int, ...] = (16, 64, 128, 256),
        residual: tuple[int, ...] = (2, 3),
        logit_scale: float = 1.0,
    ) -> None:
        super().__init__()
        self.prep = nn.Sequential(*convolution(in_chans, widths[0]))
        layers = []
        for number, (inputs, outputs) in enumerate(itertools.pairwise(widths), start=1):
            block = [Residual(outputs)] if number in residual else []
            layers.append(nn.Sequential(*convolution(inputs, outputs, pool=True), *block))
        self.layers = nn.Sequential(*layers)
        self.feature_info = feature_levels(list(widths[1:]), [f"layers.{i}" for i in range(len(layers))])
        head = PooledHead(
            widths[-1], num_classes, pool_type=global_pool, drop_rate=drop_rate, logit_scale=logit_scale
        )
        self._finish(head, num_classes, in_chans, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, widths[-1], H / 8, W / 8)."""
        result: Tensor = self.layers(self.prep(x))
        return result


@register_model
def resnet9(pretrained: bool = False, **kwargs: Any) -> SmallResNet:
    """ResNet-9 with 16 to 256 channels, 1.9 M parameters: minutes on two CPU cores.

    Its residual blocks follow layers 2 and 3, where they cost a quarter of the usual place behind layer 1.
    """
    return build_small_net(SmallResNet, "resnet9", pretrained, **{"logit_scale": 0.125, **kwargs})


@register_model
def resnet9_large(pretrained: bool = False, **kwargs: Any) -> SmallResNet:
    """ResNet-9 with 64 to 512 channels, 7.5 M parameters: for a GPU."""
    args = {"widths": (64, 128, 256, 512), "logit_scale": 0.125, **kwargs}
    return build_small_net(SmallResNet, "resnet9_large", pretrained, **args)


@register_model
def resnet_prep(pretrained: bool = False, **kwargs: Any) -> SmallResNet:
    """Custom ResNet with 64 to 512 channels and residual blocks on layers 1 and 3, 6.6 M parameters."""
    args = {"widths": (64, 128, 256, 512), "residual": (1, 3), **kwargs}
    return build_small_net(SmallResNet, "resnet_prep", pretrained, **args)
