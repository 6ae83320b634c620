"""Small copies of images, for pages and figures."""

from io import BytesIO

from PIL import Image

EXACT_SIDE = 64
"""An image of at most so many pixels a side is kept exactly, as PNG: each of its pixels can be seen."""


def thumbnail(image: Image.Image, side: int) -> Image.Image:
    """Return a copy that fits into a square of ``side`` pixels; a smaller image keeps its size."""
    small = image.copy()
    small.thumbnail((side, side), Image.Resampling.LANCZOS)
    return small


def encode_thumbnail(image: Image.Image, quality: int = 85) -> tuple[bytes, str]:
    """Return the image as PNG where it is small and must stay exact, else as JPEG, and the file's ending."""
    content = BytesIO()
    if max(image.size) <= EXACT_SIDE:
        image.save(content, "PNG")
        return content.getvalue(), ".png"
    image.save(content, "JPEG", quality=quality)
    return content.getvalue(), ".jpg"
