"""How an image becomes the model's input: the one geometry of evaluation, prediction and serving.

Geometry is Pillow's (antialiased, on 8-bit pixels), normalisation is a multiply and an add. Importing this
module does not import torch.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from imgclf.errors import ConfigError, suggest
from imgclf.records import Preprocessing

if TYPE_CHECKING:
    import torch

_FILTERS = {
    "nearest": Image.Resampling.NEAREST,
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "lanczos": Image.Resampling.LANCZOS,
}

_PAD_GREY = 128

Box = tuple[float, float, float, float]
"""(left, top, right, bottom) in pixels of the original image."""


def preprocess(image: Image.Image, spec: Preprocessing) -> np.ndarray:
    """Resize and cut an image as every stage but training does.

    Args:
        image: as :func:`imgclf.data.images.reading.read_image` returns it.
        spec: the model's preprocessing.

    Returns:
        uint8 (H, W, C), C being 1 or 3 as ``spec.channels`` says.
    """
    mode = "RGB" if spec.channels == 3 else "L"
    if image.mode != mode:
        image = image.convert(mode)
    height, width = spec.image_size
    resample = resampling_filter(spec.interpolation)
    if spec.resize_mode == "pad":
        pixels = _padded(image, spec, resample)
    elif spec.resize_mode == "squash" or (image.size == (width, height) and spec.crop_fraction == 1.0):
        pixels = np.asarray(image.resize((width, height), resample))
    else:
        box = original_box((image.height, image.width), spec).box
        pixels = np.asarray(image.resize((width, height), resample, box=_inside(box, image.size)))
    return pixels.reshape(height, width, spec.channels)


def decoding_scale(image_size: tuple[int, int], spec: Preprocessing) -> int:
    """Return by how much the decoder of a JPEG may shrink an image for this input: 1, 2, 4 or 8.

    With ``decoding="reduced"`` at least twice the size to which the whole image is resized is left. A 4032x3024
    photograph for a 224-pixel input then differs by 0.2 grey levels in the mean and 3 at most from one decoded whole;
    at the size itself it would differ by 0.5 and 14. A side that the scale does not divide is rounded up, which
    stretches the image: that may be a thousandth.

    Args:
        image_size: (height, width) of the upright image in pixels.
        spec: the model's preprocessing.
    """
    if spec.decoding == "whole":
        return 1
    if spec.resize_mode == "squash":
        needed = spec.image_size
    elif spec.resize_mode == "pad":
        needed = _fitted(image_size, spec.image_size)
    else:
        needed = _covering(image_size, spec)
    sides = list(zip(image_size, needed, strict=True))
    fits = (
        scale
        for scale in (8, 4, 2)
        if all(side // scale >= 2 * wanted and -side % scale <= side / 1000 for side, wanted in sides)
    )
    return next(fits, 1)


def normalize(batch: np.ndarray, spec: Preprocessing) -> np.ndarray:
    """Return float32 (N, C, H, W), ``(x / 255 - mean) / std``, from uint8 (N, H, W, C). Needs no torch."""
    scale, shift = _scale_and_shift(spec)
    normalised = batch.astype(np.float32) * scale + shift
    return np.ascontiguousarray(normalised.transpose(0, 3, 1, 2))


def denormalize(normalised: np.ndarray, spec: Preprocessing) -> np.ndarray:
    """Undo :func:`normalize`, exactly: uint8 (..., H, W, C) from float (..., C, H, W)."""
    values = np.moveaxis(normalised, -3, -1) * np.asarray(spec.std) + np.asarray(spec.mean)
    pixels: np.ndarray = np.rint(values * 255).clip(0, 255).astype(np.uint8)
    return pixels


def normalize_on_device(batch: "torch.Tensor", spec: Preprocessing) -> "torch.Tensor":
    """Return what :func:`normalize` does, on the batch's own device and in channels_last memory format.

    Args:
        batch: uint8 or float (N, H, W, C) with values 0 to 255.
        spec: the model's preprocessing.

    Returns:
        float32 (N, C, H, W).
    """
    import torch  # noqa: PLC0415  # this module must import without torch

    scale, shift = _device_scale_and_shift(spec, batch.device)
    normalised = torch.addcmul(shift, batch.to(torch.float32), scale)
    return normalised.permute(0, 3, 1, 2).contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True)
class OriginalBox:
    """Which part of the original image the model's input shows.

    Attributes:
        original_size: (height, width) of the original image.
        input_size: (height, width) of the model's input.
        box: (left, top, right, bottom) in pixels of the original. With ``resize_mode="pad"`` it reaches beyond
            the image, since the input shows grey borders.
    """

    original_size: tuple[int, int]
    input_size: tuple[int, int]
    box: Box

    def to_original(self, values: np.ndarray, fill: float = 0.0) -> np.ndarray:
        """Lay a map of the model's input back onto the original image.

        Args:
            values: float (h, w) of any resolution, covering the whole input.
            fill: the value of pixels that the input does not show.

        Returns:
            float32 (H, W) of the original image's size, bilinearly interpolated.
        """
        left, top, right, bottom = self.box
        height, width = self.original_size
        x_scale = values.shape[1] / (right - left)
        y_scale = values.shape[0] / (bottom - top)
        image = Image.fromarray(np.ascontiguousarray(values, dtype=np.float32))
        coefficients = (x_scale, 0.0, -left * x_scale, 0.0, y_scale, -top * y_scale)
        laid = image.transform(
            (width, height), Image.Transform.AFFINE, coefficients, Image.Resampling.BILINEAR, fillcolor=fill
        )
        return np.asarray(laid)


def original_box(image_size: tuple[int, int], spec: Preprocessing) -> OriginalBox:
    """Return which part of an image of (height, width) pixels :func:`preprocess` shows to the model."""
    original_height, original_width = image_size
    height, width = spec.image_size
    if spec.resize_mode == "squash":
        return OriginalBox(
            image_size, spec.image_size, (0.0, 0.0, float(original_width), float(original_height))
        )
    if spec.resize_mode == "pad":
        scaled_height, scaled_width = _fitted(image_size, spec.image_size)
    else:
        scaled_height, scaled_width = _covering(image_size, spec)
    x_step, y_step = original_width / scaled_width, original_height / scaled_height
    left, top = _centred(scaled_width, width), _centred(scaled_height, height)
    box = (left * x_step, top * y_step, (left + width) * x_step, (top + height) * y_step)
    return OriginalBox(image_size, spec.image_size, box)


def shown_share(image_size: tuple[int, int], spec: Preprocessing) -> float:
    """Return the share of an image's area, in [0, 1], that the model's input shows; NaN for an image without pixels.

    Args:
        image_size: (height, width) of the original image.
        spec: the preprocessing of the model.
    """
    height, width = image_size
    if not height or not width:
        return float("nan")
    left, top, right, bottom = original_box(image_size, spec).box
    shown = (min(right, width) - max(left, 0)) * (min(bottom, height) - max(top, 0))
    return min(1.0, shown / (height * width))


def resampling_filter(interpolation: str) -> Image.Resampling:
    """Return Pillow's filter of that name.

    Raises:
        ConfigError: there is none.
    """
    if interpolation not in _FILTERS:
        raise ConfigError(
            f"Unknown interpolation '{interpolation}'.{suggest(interpolation, _FILTERS)} Known: {', '.join(_FILTERS)}."
        )
    return _FILTERS[interpolation]


def _covering(image_size: tuple[int, int], spec: Preprocessing) -> tuple[int, int]:
    """Size of the whole image once it is scaled so that the crop fits; timm's and torchvision's rounding."""
    height, width = image_size
    want_height, want_width = (int(side / spec.crop_fraction) for side in spec.image_size)
    if want_width * height >= want_height * width:
        return max(want_height, int(want_width * height / width)), want_width
    return want_height, max(want_width, int(want_height * width / height))


def _fitted(image_size: tuple[int, int], target: tuple[int, int]) -> tuple[int, int]:
    """Size of the whole image once it is scaled to fit inside the target."""
    scale = min(target[0] / image_size[0], target[1] / image_size[1])
    height, width = (max(1, round(side * scale)) for side in image_size)
    return height, width


def _centred(scaled: int, wanted: int) -> int:
    """Offset of the centre crop (negative where there is a border), rounded as torchvision does."""
    return round((scaled - wanted) / 2.0)


def _inside(box: Box, size: tuple[int, int]) -> Box:
    """Cut off what rounding left outside the image: Pillow refuses a box that is 1e-13 too large."""
    return max(box[0], 0.0), max(box[1], 0.0), min(box[2], float(size[0])), min(box[3], float(size[1]))


def _padded(image: Image.Image, spec: Preprocessing, resample: Image.Resampling) -> np.ndarray:
    height, width = spec.image_size
    scaled_height, scaled_width = _fitted((image.height, image.width), spec.image_size)
    left, top = -_centred(scaled_width, width), -_centred(scaled_height, height)
    canvas = Image.new(image.mode, (width, height), (_PAD_GREY,) * 3 if image.mode == "RGB" else _PAD_GREY)
    canvas.paste(image.resize((scaled_width, scaled_height), resample), (left, top))
    return np.asarray(canvas)


def _scale_and_shift(spec: Preprocessing) -> tuple[np.ndarray, np.ndarray]:
    """Return float32 (C,) arrays a and b with ``(x / 255 - mean) / std == a * x + b``."""
    std = np.asarray(spec.std, dtype=np.float64)
    mean = np.asarray(spec.mean, dtype=np.float64)
    return (1.0 / (255.0 * std)).astype(np.float32), (-mean / std).astype(np.float32)


@lru_cache(maxsize=16)
def _device_scale_and_shift(
    spec: Preprocessing, device: "torch.device"
) -> "tuple[torch.Tensor, torch.Tensor]":
    """Keep the constants on the device: copying them for every batch would stall a GPU."""
    import torch  # noqa: PLC0415  # this module must import without torch

    scale, shift = _scale_and_shift(spec)
    return torch.from_numpy(scale).to(device), torch.from_numpy(shift).to(device)
