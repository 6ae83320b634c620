"""A first layer that whitens small patches: filters that are set, not learned.

Neighbouring pixels say almost the same, so that nearly all variance of a 2x2 patch lies in its brightness. Filters that
bring every direction to the same variance spare the later layers from learning to look past it (David Page 2019, "How
to train your ResNet"; Keller Jordan 2024, https://arxiv.org/abs/2404.00498).
"""

from typing import final

import torch
from timm.models import adapt_input_conv
from torch import Tensor, nn
from torch.nn import functional as F

# Flat, left to right, top to bottom, and diagonal.
_PATTERNS = ((1, 1, 1, 1), (1, -1, 1, -1), (1, 1, -1, -1), (1, -1, -1, 1))
# Brightness, red against blue, and green against both.
_COLOURS = ((1, 1, 1), (1, 0, -1), (1, -2, 1))
# The variance along each colour and pattern, measured on 5,000 images of CIFAR-10 with mean 0 and deviation 1. Other
# photographs differ by less than the order of magnitude that matters here.
_VARIANCES = ((10.18, 0.343, 0.405, 0.055), (0.762, 0.0041, 0.0059, 0.0002), (0.176, 0.0017, 0.0022, 0.0001))
_NOISE = 0.01  # variance of what is not to be amplified: JPEG blocks, the camera's noise


@final
class PatchWhitening(nn.Module):
    """Fixed 2x2 filters and their negatives, a learned bias, GELU.

    With one channel the filters are summed over the colours, timm's way for every first convolution: those of brightness
    remain, and the others are zero.

    Args:
        in_chans: colour channels of the input.
    """

    channels = 2 * len(_PATTERNS) * len(_COLOURS)

    def __init__(self, in_chans: int) -> None:
        super().__init__()
        filters = _whitening_filters()
        # A buffer: it belongs to the model file, and no optimiser changes it.
        self.register_buffer("weight", adapt_input_conv(in_chans, torch.cat([filters, -filters])))
        self.bias = nn.Parameter(torch.zeros(self.channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map normalised images (N, in_chans, H, W) to (N, channels, H - 1, W - 1)."""
        return F.gelu(F.conv2d(x, self.weight, self.bias))  # type: ignore[arg-type]  # buffers are untyped


def _whitening_filters() -> Tensor:
    """Return float32 (12, 3, 2, 2): each has unit variance on typical images, less where there is mostly noise."""
    patterns = F.normalize(torch.tensor(_PATTERNS, dtype=torch.float32))
    colours = F.normalize(torch.tensor(_COLOURS, dtype=torch.float32))
    directions = torch.einsum("kc,sp->kscp", colours, patterns).reshape(-1, 3, 2, 2)
    deviations = (torch.tensor(_VARIANCES).flatten() + _NOISE).sqrt()
    return directions / deviations[:, None, None, None]
