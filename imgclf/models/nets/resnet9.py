"""``resnet9``: a narrow ResNet of nine layers, made to learn small images fast on few cores.

After David Page's DAWNBench network (https://github.com/davidcpage/cifar10-fast), at half its width.
"""

from typing import Any

from timm.models import generate_default_cfgs, register_model

from imgclf.models.nets.interface import build_small_net, small_image_cfg
from imgclf.models.nets.resnet_prep import ResNetPrep

default_cfgs = generate_default_cfgs({"resnet9": small_image_cfg("prep.0")})


@register_model
def resnet9(pretrained: bool = False, **kwargs: Any) -> ResNetPrep:
    """ResNet-9 with 32 to 256 channels, 1.6 M parameters, for images of about 32 pixels."""
    return build_small_net(ResNetPrep, "resnet9", pretrained, **{"width": 32, **kwargs})
