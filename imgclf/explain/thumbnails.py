"""Small copies of images for the page."""

from io import BytesIO

from PIL import Image

_SIDE = 256
_SMALL = 64


def thumbnail(image: Image.Image) -> bytes:
    """Encode an image to fit a card: PNG where it is small and must stay exact, else JPEG."""
    content = BytesIO()
    if max(image.size) <= _SMALL:
        image.save(content, "PNG")
    else:
        small = image.copy()
        small.thumbnail((_SIDE, _SIDE))
        small.save(content, "JPEG", quality=84)
    return content.getvalue()
