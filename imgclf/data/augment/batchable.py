"""Which of torchvision's transforms have a batched twin, and how to make it from the original."""

from collections.abc import Callable
from typing import Any

from PIL import Image
from torchvision.transforms import v2

from imgclf.data.augment.affine import BatchedAffine
from imgclf.data.augment.batched import BatchedTransform
from imgclf.data.augment.colour import BatchedColorJitter, BatchedGrayscale, BatchedNoise
from imgclf.data.augment.crop import BatchedCenterCrop, BatchedPad, BatchedRandomCrop, parse_border
from imgclf.data.augment.erasing import BatchedErasing
from imgclf.data.augment.flip import BatchedFlip


def batched_twin(transform: v2.Transform) -> BatchedTransform | None:
    """Return the batched form of a v2 transform, or None where there is none for it or for its arguments."""
    make = _TWINS.get(type(transform))
    return make(transform) if make is not None else None


def _random_crop(transform: Any) -> BatchedTransform | None:
    pad = BatchedPad(parse_border(transform.padding), _fill(transform), transform.padding_mode)
    return BatchedRandomCrop(tuple(transform.size), pad, transform.pad_if_needed)


def _pad(transform: Any) -> BatchedTransform:
    return BatchedPad(parse_border(transform.padding), _fill(transform), transform.padding_mode)


def _erasing(transform: Any) -> BatchedTransform:
    value = None if transform.value is None else tuple(transform.value)
    return BatchedErasing(transform.p, tuple(transform.scale), tuple(transform.ratio), value)


def _rotation(transform: Any) -> BatchedTransform | None:
    interpolation = _interpolation(transform)
    if transform.expand or transform.center is not None or interpolation == "bicubic":
        return None
    degrees = tuple(float(angle) for angle in transform.degrees)
    bilinear = interpolation == "bilinear"
    return BatchedAffine((degrees[0], degrees[1]), clockwise=False, bilinear=bilinear, fill=_fill(transform))


def _affine(transform: Any) -> BatchedTransform | None:
    interpolation = _interpolation(transform)
    if transform.center is not None or interpolation == "bicubic":
        return None
    shear = tuple(transform.shear or (0.0, 0.0))
    return BatchedAffine(
        degrees=tuple(transform.degrees),
        translate=tuple(transform.translate or (0.0, 0.0)),
        scale=tuple(transform.scale or (1.0, 1.0)),
        shear_x=(shear[0], shear[1]),
        shear_y=(shear[2], shear[3]) if len(shear) == 4 else (0.0, 0.0),
        bilinear=interpolation == "bilinear",
        fill=_fill(transform),
    )


def _jitter(transform: Any) -> BatchedTransform:
    return BatchedColorJitter(transform.brightness, transform.contrast, transform.saturation, transform.hue)


def _fill(transform: Any) -> float | tuple[float, ...]:
    fill = transform.fill
    return tuple(fill) if isinstance(fill, list | tuple) else fill or 0


def _interpolation(transform: Any) -> str:
    mode = transform.interpolation
    if isinstance(mode, int):  # torchvision also takes Pillow's numbers
        return Image.Resampling(mode).name.lower()
    name: str = v2.InterpolationMode(mode).value
    return name


_TWINS: dict[type, Callable[[Any], BatchedTransform | None]] = {
    v2.RandomCrop: _random_crop,
    v2.CenterCrop: lambda transform: BatchedCenterCrop(tuple(transform.size)),
    v2.Pad: _pad,
    v2.RandomHorizontalFlip: lambda transform: BatchedFlip(transform.p, axis=2),
    v2.RandomVerticalFlip: lambda transform: BatchedFlip(transform.p, axis=1),
    v2.RandomErasing: _erasing,
    v2.RandomRotation: _rotation,
    v2.RandomAffine: _affine,
    v2.ColorJitter: _jitter,
    v2.RandomGrayscale: lambda transform: BatchedGrayscale(transform.p),
    v2.GaussianNoise: lambda transform: (
        BatchedNoise(transform.mean, transform.sigma) if transform.clip else None
    ),
}
