"""``resnet9`` and ``resnet9_large``: residual networks that learn small images in few epochs.

They descend from David Page's ResNet-9 (https://github.com/davidcpage/cifar10-fast) and take two things from
Keller Jordan's airbench (https://arxiv.org/abs/2404.00498): a first layer that is set instead of learned, and pooling
before the wide layers. Sides are rounded up, 32 pixels to 31, 16, 8 and 4, so that the last rows and columns count as
much as the first, and a map of the features lies where its pixels are.
"""

import itertools
from typing import Any, final

from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.blocks import Shortcut
from imgclf.models.nets.interface import SmallNet, build_small_net, feature_levels, small_image_cfg
from imgclf.models.nets.pooled_head import PooledHead
from imgclf.models.nets.whitening import PatchWhitening

default_cfgs = generate_default_cfgs({name: small_image_cfg("prep") for name in ("resnet9", "resnet9_large")})

_LOGIT_SCALE = 1 / 9  # keeps the start of fast training gentle


@final
class ResNet9(SmallNet):
    """Whitening, three halving layers of a convolution and a residual one, global max pooling, linear.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        widths: channels of each layer.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "max",
        widths: tuple[int, ...] = (64, 256, 256),
    ) -> None:
        super().__init__()
        self.prep = PatchWhitening(in_chans)
        channels = (PatchWhitening.channels, *widths)
        self.layers = nn.Sequential(*(_layer(*pair) for pair in itertools.pairwise(channels)))
        self.feature_info = feature_levels(list(widths), [f"layers.{i}" for i in range(len(widths))])
        head = PooledHead(
            widths[-1], num_classes, pool_type=global_pool, drop_rate=drop_rate, logit_scale=_LOGIT_SCALE
        )
        self._finish(head, num_classes, in_chans, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, widths[-1], (H - 1) / 8, (W - 1) / 8), rounded up."""
        result: Tensor = self.layers(self.prep(x))
        return result


def _layer(inputs: int, outputs: int) -> nn.Sequential:
    same_width = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
    residual = Shortcut(same_width, nn.BatchNorm2d(outputs), nn.GELU())
    pooling = nn.MaxPool2d(2, ceil_mode=True)
    halving = (_convolution_that_passes(inputs, outputs), pooling, nn.BatchNorm2d(outputs), nn.GELU())
    return nn.Sequential(*halving, residual)


def _convolution_that_passes(inputs: int, outputs: int) -> nn.Conv2d:
    """Return a 3x3 convolution whose first channels start as copies of the input's (Zagoruyko & Komodakis 2017)."""
    convolution = nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)
    nn.init.dirac_(convolution.weight.data[:inputs])
    return convolution


@register_model
def resnet9(pretrained: bool = False, **kwargs: Any) -> ResNet9:
    """Widths 64, 256 and 256, 2.0 M parameters: minutes on two CPU cores."""
    return build_small_net(ResNet9, "resnet9", pretrained, **kwargs)


@register_model
def resnet9_large(pretrained: bool = False, **kwargs: Any) -> ResNet9:
    """Widths 128, 512 and 512, 7.9 M parameters: for a GPU."""
    return build_small_net(ResNet9, "resnet9_large", pretrained, **{"widths": (128, 512, 512), **kwargs})
