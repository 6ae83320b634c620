"""Mix images and labels inside a batch: mixup (Zhang et al. 2018) and CutMix (Yun et al. 2019), by torchvision."""

from typing import Any

from torch import Tensor
from torchvision.transforms import v2

from imgclf.recipes import AugmentConfig


class BatchMixing:
    """Applies the config's mixup and CutMix; with both, each batch gets one of them at random.

    Args:
        config: the Beta distribution parameters; 0 is off.
        num_classes: K, the width of the mixed targets.
    """

    def __init__(self, config: AugmentConfig, num_classes: int) -> None:
        kinds: list[Any] = []
        if config.mixup:
            kinds.append(v2.MixUp(alpha=config.mixup, num_classes=num_classes))
        if config.cutmix:
            kinds.append(v2.CutMix(alpha=config.cutmix, num_classes=num_classes))
        self._mix = v2.RandomChoice(kinds) if kinds else None

    def __call__(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return images (N, C, H, W) and targets: labels (N,) as they came, or probabilities (N, K)."""
        if self._mix is None:
            return images, labels
        mixed: tuple[Tensor, Tensor] = self._mix(images, labels)
        return mixed
