"""Small copies of images for the page."""

from PIL import Image

from imgclf.data.images import thumbnails

_SIDE = 256


def thumbnail(image: Image.Image) -> bytes:
    """Encode an image to fit a card: PNG where it is small and must stay exact, else JPEG."""
    return thumbnails.encode_thumbnail(thumbnails.thumbnail(image, _SIDE))[0]
