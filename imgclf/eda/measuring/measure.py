"""What is measured on every image: hashes, size, brightness, entropy and sharpness, in one decode.

Images of one shape are measured together as a stack, because for small images Python's time per image would be
longer than the decoder's.
"""

import hashlib
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.data import ImageSource, hash_thumbnail, image_format, perceptual_hashes, read_image
from imgclf.errors import ImageError

MEASURE_VERSION = 1
"""Raised when a measure changes, so that cached figures of an older version are not taken."""

THUMBNAIL_SIZE = 16

FACTS = np.dtype(
    [
        ("file_hash", "u8"),  # BLAKE2b of the encoded bytes; 0 where the dataset holds bare pixels
        ("pixel_hash", "u8"),  # BLAKE2b of the decoded pixels and their shape
        ("perceptual_hash", "u8"),
        ("bytes", "i8"),  # of the encoded image; of the pixels where the dataset holds bare pixels
        ("width", "i4"),  # upright, as EXIF says
        ("height", "i4"),
        ("format", "U6"),  # by content; empty for bare pixels
        ("mode", "U6"),  # Pillow's, before any conversion
        ("grey", "?"),  # all pixels are grey, whatever the mode
        ("brightness", "f4"),  # mean luma in [0, 1]
        ("brightness_p5", "f4"),  # 5 % of the pixels are darker
        ("brightness_p99", "f4"),  # 1 % of the pixels are brighter
        ("entropy", "f4"),  # of the luma histogram, in bits: 0 (flat) to 8
        ("sharpness", "f4"),  # see :func:`sharpness`; NaN below MIN_SHARPNESS_SIDE pixels
        ("mean", "f8", (3,)),  # per channel in [0, 1]
        ("mean_square", "f8", (3,)),
        ("thumbnail", "u1", (THUMBNAIL_SIZE, THUMBNAIL_SIZE)),
    ]
)

MIN_SHARPNESS_SIDE = 64
_SHARPNESS_SIDE = 256
# Statistics of a larger image are taken from a box-averaged copy, to bound memory: its mean is the same, its
# standard deviation a little smaller.
_STATISTICS_PIXELS = 1_000_000


@dataclass(frozen=True)
class Measured:
    """A chunk of images, measured.

    Attributes:
        facts: ``FACTS`` (n,); a row of zeros where the image cannot be read.
        errors: row -> (kind, reason) of those that cannot be read.
    """

    facts: np.ndarray
    errors: dict[int, tuple[str, str]]


def measure_images(sources: Sequence[ImageSource], names: Sequence[str]) -> Measured:
    """Read and measure a chunk of images.

    Args:
        sources: n images.
        names: n names for what cannot be read.
    """
    facts = np.zeros(len(sources), FACTS)
    errors: dict[int, tuple[str, str]] = {}
    stacks: dict[tuple[int, ...], list[tuple[int, np.ndarray]]] = defaultdict(list)
    thumbnails = np.zeros((len(sources), 32, 32), np.uint8)
    for row, (source, name) in enumerate(zip(sources, names, strict=True)):
        try:
            image = _read(source, name, facts[row])
        except ImageError as error:
            facts[row] = np.zeros((), FACTS)
            errors[row] = (error.kind, error.reason)
            continue
        pixels = np.asarray(image)
        facts[row]["pixel_hash"] = _hash(pixels.tobytes(), str(pixels.shape).encode())
        facts[row]["width"], facts[row]["height"] = image.size
        grey = image if image.mode == "L" else image.convert("L")
        thumbnails[row] = hash_thumbnail(grey)
        facts[row]["sharpness"] = _image_sharpness(grey)
        small = _bounded(image)
        stacks[(small.height, small.width)].append((row, np.asarray(small)))
    facts["perceptual_hash"] = perceptual_hashes(thumbnails)
    facts["thumbnail"] = thumbnails.reshape(-1, 16, 2, 16, 2).mean(axis=(2, 4)).round()
    for stack in stacks.values():
        rows = [row for row, _ in stack]
        _measure_stack(facts, np.array(rows), np.stack([pixels for _, pixels in stack]))
    return Measured(facts, errors)


def content_hash(source: bytes | np.ndarray) -> int:
    """Return the hash that tells whether an image without a file has changed."""
    if isinstance(source, np.ndarray):
        return _hash(np.ascontiguousarray(source).tobytes(), str((source.shape, source.dtype)).encode())
    return _hash(source)


def sharpness(grey: np.ndarray) -> float:
    """Return how fine the finest detail is: the variance of the Laplacian over the variance of the pixels.

    The variance of the Laplacian is the focus measure of Pech-Pacheco et al., "Diatom autofocusing in brightfield
    microscopy" (2000); dividing by the image's own variance makes a low-contrast image no blurrier than it is.

    Args:
        grey: uint8 (H, W), both sides at least 3.

    Returns:
        About 0.4 for a crisp photograph of 150 to 256 pixels, below 0.02 for one that a Gaussian of two pixels has
        blurred. A flat image gives 0.
    """
    values = grey.astype(np.float32)
    laplacian = 4 * values[1:-1, 1:-1]
    laplacian -= values[:-2, 1:-1]
    laplacian -= values[2:, 1:-1]
    laplacian -= values[1:-1, :-2]
    laplacian -= values[1:-1, 2:]
    # A variance of ten grey levels squared is noise: a flat image is no sharp one.
    return float(laplacian.var() / (values.var() + 10))


def _read(source: ImageSource, name: str, row: np.ndarray) -> Image.Image:
    """Decode an image to ``RGB`` and fill in what only the encoded bytes tell."""
    content: bytes | None = None
    if isinstance(source, Path) and source.is_file():
        try:
            content = source.read_bytes()
        except OSError:  # the reader finds the words for it
            content = None
    elif isinstance(source, bytes):
        content = source
    if content is None:
        return _read_pixels(source, name, row)
    image = read_image(content, name=name)
    row["file_hash"], row["bytes"] = _hash(content), len(content)
    row["format"] = image_format(content[:512]) or ""
    with Image.open(BytesIO(content), formats=[str(row["format"])]) as header:
        row["mode"] = header.mode
        row["grey"] = header.mode in ("L", "1", "LA", "I;16", "I", "F")
    return image


def _read_pixels(source: ImageSource, name: str, row: np.ndarray) -> Image.Image:
    """Take pixels that are at hand already."""
    image = read_image(source, name=name)
    is_grey = source.ndim == 2 if isinstance(source, np.ndarray) else image.mode == "L"
    row["mode"], row["grey"] = ("L" if is_grey else "RGB"), is_grey
    row["bytes"] = image.width * image.height * (1 if is_grey else 3)
    return image


def _hash(*parts: bytes) -> int:
    digest = hashlib.blake2b(digest_size=8)
    for part in parts:
        digest.update(part)
    return int.from_bytes(digest.digest(), "big")


def _bounded(image: Image.Image) -> Image.Image:
    factor = 1
    while image.width * image.height > _STATISTICS_PIXELS * factor * factor:
        factor += 1
    return image.reduce(factor) if factor > 1 else image


def _image_sharpness(grey: Image.Image) -> float:
    """Sharpness at the scale that a network sees: the longer side at most 256 pixels."""
    longer = max(grey.size)
    if min(grey.size) < MIN_SHARPNESS_SIDE:
        return float("nan")
    if longer > _SHARPNESS_SIDE:
        scale = _SHARPNESS_SIDE / longer
        size = (max(3, round(grey.width * scale)), max(3, round(grey.height * scale)))
        grey = grey.resize(size, Image.Resampling.BOX)
    return sharpness(np.asarray(grey))


def _measure_stack(facts: np.ndarray, rows: np.ndarray, pixels: np.ndarray) -> None:
    """Fill in the brightness, entropy and channel statistics of images of one shape, uint8 (n, H, W, 3)."""
    flat = pixels.reshape(len(pixels), -1, 3)
    count = flat.shape[1]
    red, green, blue = (flat[:, :, channel].astype(np.uint32) for channel in range(3))
    # Pillow's fixed-point BT.601, so that a grey image keeps its levels.
    luma = (red * 19595 + green * 38470 + blue * 7471 + 0x8000) >> 16
    offsets = (np.arange(len(flat), dtype=np.uint32) * 256)[:, None]
    histogram = np.bincount((luma + offsets).ravel(), minlength=256 * len(flat)).reshape(-1, 256)
    share = histogram / count
    reached = np.cumsum(histogram, axis=1)
    facts["brightness"][rows] = share @ np.arange(256) / 255
    facts["brightness_p5"][rows] = (reached >= 0.05 * count).argmax(axis=1) / 255
    facts["brightness_p99"][rows] = (reached >= 0.99 * count).argmax(axis=1) / 255
    facts["entropy"][rows] = np.abs((share * np.log2(np.where(share > 0, share, 1))).sum(axis=1))
    for channel, values in enumerate((red, green, blue)):
        facts["mean"][rows, channel] = values.mean(axis=1) / 255
        facts["mean_square"][rows, channel] = np.square(values, dtype=np.uint32).mean(axis=1) / 255**2
    facts["grey"][rows] |= (red == green).all(axis=1) & (green == blue).all(axis=1)
