"""ResNet-9: nine layers, made to learn small images fast.

After David Page's DAWNBench network (https://github.com/davidcpage/cifar10-fast).
"""

from typing import Any

from timm.models import generate_default_cfgs, register_model
from torch import Tensor, nn

from imgclf.models.nets.interface import SmallNet, build_small_net, small_image_cfg

default_cfgs = generate_default_cfgs({"resnet9": small_image_cfg("stem.0")})


class _Residual(nn.Module):
    """x + f(x) with f two convolutions of the same width."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(*_convolution(width, width), *_convolution(width, width))

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        result: Tensor = x + self.body(x)
        return result


class ResNet9(SmallNet):
    """Stem, three halving layers, residual blocks on the first and the last, maximum pooling, linear.

    Args:
        num_classes: outputs; 0 for none.
        in_chans: colour channels of the input.
        drop_rate: dropout before the classifier.
        global_pool: timm pooling type of the head.
        width: channels of the stem; the layers have 2, 4 and 8 times as many.
    """

    def __init__(
        self,
        num_classes: int = 1000,
        in_chans: int = 3,
        drop_rate: float = 0.0,
        global_pool: str = "max",
        width: int = 32,
    ) -> None:
        super().__init__()
        self.stem = nn.Sequential(*_convolution(in_chans, width))
        self.layer1 = nn.Sequential(*_convolution(width, 2 * width, pool=True), _Residual(2 * width))
        self.layer2 = nn.Sequential(*_convolution(2 * width, 4 * width, pool=True))
        self.layer3 = nn.Sequential(*_convolution(4 * width, 8 * width, pool=True), _Residual(8 * width))
        self.feature_info = [
            {"num_chs": width * 2 ** (i + 1), "reduction": 2 ** (i + 1), "module": f"layer{i + 1}"}
            for i in range(3)
        ]
        self.finish(8 * width, num_classes, in_chans=in_chans, drop_rate=drop_rate, global_pool=global_pool)

    def forward_features(self, x: Tensor) -> Tensor:
        """Map images (N, C, H, W) to features (N, 8 * width, H / 8, W / 8)."""
        result: Tensor = self.layer3(self.layer2(self.layer1(self.stem(x))))
        return result


def _convolution(inputs: int, outputs: int, *, pool: bool = False) -> list[nn.Module]:
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
    if pool:
        # Pooling before the norm and the activation: the same result for a quarter of their work.
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


@register_model
def resnet9(pretrained: bool = False, **kwargs: Any) -> ResNet9:
    """ResNet-9 with 32 to 256 channels, 1.6 M parameters, for images of about 32 pixels."""
    return build_small_net(ResNet9, "resnet9", pretrained, **kwargs)
