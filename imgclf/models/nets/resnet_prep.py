"""``resnet_prep``: a preparation layer and three layers, with residual blocks on the first and the third.

The full-width form of David Page's DAWNBench network (https://github.com/davidcpage/cifar10-fast).
"""

from typing import Any, final

from timm.layers.classifier import ClassifierHead
from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.blocks import Residual, convolution
from imgclf.models.nets.interface import SmallNet, build_small_net, feature_levels, small_image_cfg

default_cfgs = generate_default_cfgs({"resnet_prep": small_image_cfg("prep.0")})


@final
class ResNetPrep(SmallNet):
    """Preparation layer, three halving layers, residual blocks on layers 1 and 3, max pooling, linear.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        width: channels of the preparation layer; the layers have 2, 4 and 8 times as many.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "max",
        width: int = 64,
    ) -> None:
        super().__init__()
        self.prep = nn.Sequential(*convolution(in_chans, width))
        self.layer1 = nn.Sequential(*convolution(width, 2 * width, pool=True), Residual(2 * width))
        self.layer2 = nn.Sequential(*convolution(2 * width, 4 * width, pool=True))
        self.layer3 = nn.Sequential(*convolution(4 * width, 8 * width, pool=True), Residual(8 * width))
        self.feature_info = feature_levels([2 * width, 4 * width, 8 * width], ["layer1", "layer2", "layer3"])
        head = ClassifierHead(8 * width, num_classes, pool_type=global_pool, drop_rate=drop_rate)
        self._finish(head, num_classes, in_chans, drop_rate)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, in_chans, H, W) to features (N, 8 * width, H / 8, W / 8)."""
        result: Tensor = self.layer3(self.layer2(self.layer1(self.prep(x))))
        return result


@register_model
def resnet_prep(pretrained: bool = False, **kwargs: Any) -> ResNetPrep:
    """Custom ResNet with 64 to 512 channels, 6.6 M parameters, for images of about 32 pixels."""
    return build_small_net(ResNetPrep, "resnet_prep", pretrained, **kwargs)
