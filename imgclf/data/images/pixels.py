"""From whatever a decoder gives to upright 8-bit grey or RGB."""

from typing import Any

import numpy as np
from PIL import Image

from imgclf.errors import ImageError

_ORIENTATION_TAG = 0x0112
_BITS_PER_SAMPLE_TAG = 258
_STRIP = (
    256  # rows of a 16-bit image that are scaled at a time: a copy of 49 megapixels in floats takes 400 MB
)
_FIRST_SIDEWAYS = 5  # of the EXIF orientations: 5 to 8 exchange rows and columns

_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def as_eight_bits(image: Image.Image, channels: int, name: str = "image") -> Image.Image:
    """Return a loaded image as a new ``RGB`` (channels 3) or ``L`` (channels 1) image without metadata.

    Raises:
        ImageError: its samples are floats that are not finite or of no known range.
    """
    mode = "RGB" if channels == 3 else "L"
    if image.mode.startswith("I;16"):
        converted = _scaled_from_sixteen_bits(image)
    elif image.mode == "I":
        converted = _scaled_from_integers(image)
    elif image.mode == "F":
        converted = _scaled_from_floats(image, name)
    elif image.has_transparency_data:
        converted = _on_white(image).convert(mode)
    elif image.mode == "P":
        converted = image.convert("RGB").convert(mode)
    else:
        converted = image.convert(mode)
    if converted.mode != mode:
        converted = converted.convert(mode)
    converted.info = {}
    return converted


def upright(original: Image.Image, pixels: Image.Image) -> Image.Image:
    """Turn ``pixels`` as the EXIF orientation of ``original`` says; a corrupt EXIF block or value says nothing."""
    turn = _TURNS.get(_orientation(original))
    return pixels if turn is None else pixels.transpose(turn)


def is_turned_sideways(original: Image.Image) -> bool:
    """Whether height and width change places when an image is turned upright."""
    return _orientation(original) >= _FIRST_SIDEWAYS


def _orientation(original: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 where there is none that makes sense."""
    try:
        orientation: Any = original.getexif().get(_ORIENTATION_TAG)
    except Exception:  # the parser meets untrusted bytes; the pixels are sound all the same
        return 1
    return orientation if isinstance(orientation, int) and orientation in _TURNS else 1


def _scaled_from_sixteen_bits(image: Image.Image) -> Image.Image:
    """Scale by the sample's real depth: a TIFF may hold 12 bits in 16."""
    tags = getattr(image, "tag_v2", {})
    depth = tags.get(_BITS_PER_SAMPLE_TAG, 16)
    bits = depth[0] if isinstance(depth, tuple) else depth
    levels = _levels(2 ** int(bits) - 1)
    scaled = Image.new("L", image.size)
    for start in range(0, image.height, _STRIP):
        box = (0, start, image.width, min(start + _STRIP, image.height))
        scaled.paste(Image.fromarray(levels[np.asarray(image.crop(box))]), box[:2])
    return scaled


def _levels(top: int) -> np.ndarray:
    """Return uint8 (65536,): the level of each sample, 0..top mapped to 0..255 with rounding."""
    samples = np.arange(65_536, dtype=np.int64)
    return np.minimum((samples * 510 + top) // (2 * top), 255).astype(np.uint8)


def _scaled_from_integers(image: Image.Image) -> Image.Image:
    """32-bit integers hold 16-bit samples in practice; larger ones are scaled by the whole range."""
    values = np.asarray(image)
    return _scaled(values, 65_535 if values.max() <= 65_535 else 2**31 - 1)


def _scaled_from_floats(image: Image.Image, name: str) -> Image.Image:
    """Floats are taken as 0 to 1, 0 to 255 or 0 to 65535, whichever is the first to hold them all."""
    values = np.asarray(image)
    low, high = float(values.min()), float(values.max())
    if not np.isfinite(values).all():
        raise ImageError(name, "has pixels that are not finite numbers (NaN or infinity)", "damaged")
    if low < 0 or high > 65_535:
        raise ImageError(
            name,
            f"has float pixels from {low:g} to {high:g}; expected 0 to 1, 0 to 255 or 0 to 65535",
            "damaged",
        )
    return _scaled(values, next(top for top in (1, 255, 65_535) if high <= top))


def _scaled(values: np.ndarray, top: int) -> Image.Image:
    """Map 0..top to 0..255 with rounding."""
    scaled = np.clip(values.astype(np.float64) * (255.0 / top) + 0.5, 0, 255)
    return Image.fromarray(scaled.astype(np.uint8))


def _on_white(image: Image.Image) -> Image.Image:
    """Lay a transparent image on white, as a page would show it."""
    colours = image.convert("RGBA")
    background = Image.new("RGBA", colours.size, (255, 255, 255, 255))
    return Image.alpha_composite(background, colours).convert("RGB")
