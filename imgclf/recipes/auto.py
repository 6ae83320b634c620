"""What ``auto`` in a config means: one pure function for each rule, of what is known of the images and the weights.

``imgclf train``, its dry run, ``imgclf eda`` and the augmentation all ask here, so that none of them can say otherwise.
"""

from typing import Any

SMALL_SIDE = 64
"""Up to this many pixels a side ResNet-9 learns well from scratch, and images are shifted instead of cut."""

SMALLEST_SIDE, LARGEST_SIDE = 32, 224
"""Bounds in pixels of the input of a network that starts from scratch."""

SMALL_NETWORK, LARGE_NETWORK = "resnet9", "resnet18"
RATE_FROM_SCRATCH, RATE_ON_PRETRAINED = 1e-3, 3e-4

_WHOLE, _INTERPOLATION = 1.0, "bilinear"


def network(data_size: tuple[int, int]) -> str:
    """Return the network for images of a typical (height, width): above 64 pixels a stem that makes them small."""
    return SMALL_NETWORK if max(data_size) <= SMALL_SIDE else LARGE_NETWORK


def size_from_scratch(data_size: tuple[int, int] | None) -> tuple[int, int]:
    """Return the (height, width) of a network without weights: the data's own, each side within 32 to 224.

    The network may need a little more (see ``imgclf.models.default_image_size``).

    Args:
        data_size: the typical size of the images, or None where none is known.
    """
    height, width = data_size or (LARGEST_SIDE, LARGEST_SIDE)
    return _within(height), _within(width)


def crop_fraction(of_weights: float | None) -> float:
    """Return the share that the evaluation crop keeps: what the weights in use want, and all of it without any."""
    return _WHOLE if of_weights is None else of_weights


def interpolation(of_weights: str | None) -> str:
    """Return how images are resized: as the weights in use want it, else bilinear."""
    return _INTERPOLATION if of_weights is None else of_weights


def learning_rate(*, pretrained: bool) -> float:
    """Return the highest rate: weights that are good already want smaller steps than random ones."""
    return RATE_ON_PRETRAINED if pretrained else RATE_FROM_SCRATCH


def transforms(image_size: tuple[int, int], *, is_grey: bool) -> tuple[dict[str, Any], ...]:
    """Return the augmentation, as names and arguments of ``torchvision.transforms.v2``.

    Grey images (digits, clothes, scans) are only shifted by up to an eighth: a mirrored 2 is no 2. Small colour
    images are shifted and mirrored, as is usual on CIFAR (He et al. 2016); larger ones are cut at random scale and
    aspect ratio and mirrored, as is usual on ImageNet (Szegedy et al. 2015).

    Args:
        image_size: (height, width) of the model's input.
        is_grey: whether the images have one channel.
    """
    size = list(image_size)
    shift = {"name": "RandomCrop", "size": size, "padding": max(1, min(image_size) // 8)}
    if is_grey:
        return (shift,)
    first = shift if max(image_size) <= SMALL_SIDE else {"name": "RandomResizedCrop", "size": size}
    return first, {"name": "RandomHorizontalFlip"}


def _within(side: int) -> int:
    return min(max(side, SMALLEST_SIDE), LARGEST_SIDE)
