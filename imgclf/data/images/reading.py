"""The one reader of image files and bytes: every stage, from the first look to the server, comes through here.

What comes in is untrusted. The format is told from the first bytes, never from the name; only six Pillow
decoders are ever run; the size in the header is compared with a cap before any pixel is decoded; special files
(a FIFO, a device) are refused before they are opened, so that nothing blocks.

What comes out is always an 8-bit ``RGB`` or ``L`` image that stands upright (EXIF orientation applied):
16-bit samples are scaled, not clipped; transparency is laid on white; palettes, CMYK, 1-bit and LA are converted;
of several frames the first is taken. Colour profiles are ignored.
"""

import stat
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np
from PIL import Image, ImageFile
from PIL.BmpImagePlugin import BmpImageFile
from PIL.GifImagePlugin import GifImageFile
from PIL.JpegImagePlugin import JpegImageFile
from PIL.PngImagePlugin import PngImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from imgclf.data.images.checksums import has_sound_pixel_chunks
from imgclf.data.images.names import display_name
from imgclf.data.images.pixels import as_eight_bits, is_turned_sideways, upright
from imgclf.data.images.preprocess import decoding_scale, preprocess
from imgclf.data.images.scans import has_more_scans
from imgclf.data.images.signatures import MINIMUM_BYTES, image_format, webp_size, what_it_is
from imgclf.data.images.source import ImageSource
from imgclf.data.images.tiff import full_page
from imgclf.errors import ImageError
from imgclf.records import Preprocessing
from imgclf.words import first_line

MAX_PIXELS = 50_000_000
_MAX_SCANS = 20  # of a JPEG at the pixel cap; a smaller image may have proportionally more, up to:
_MOST_SCANS = 500  # cameras and optimisers write 1 to 12

_DECODERS: dict[str, type[ImageFile.ImageFile]] = {
    "JPEG": JpegImageFile,
    "PNG": PngImageFile,
    "WEBP": WebPImageFile,
    "BMP": BmpImageFile,
    "TIFF": TiffImageFile,
    "GIF": GifImageFile,
}

# Pillow warns of damage that it could repair (a corrupt EXIF block, say); the image is read all the same.
warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")


def read_image(
    source: ImageSource, *, channels: int = 3, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> Image.Image:
    """Read one image.

    Args:
        source: a file, an encoded image, an array uint8 or uint16 (H, W), (H, W, 1), (H, W, 3) or (H, W, 4),
            or a Pillow image of any mode.
        channels: 3 for ``RGB``, 1 for ``L``.
        max_pixels: largest width x height that is decoded.
        name: what an error calls it; by default the path, or "image".

    Returns:
        A Pillow image of mode ``RGB`` or ``L`` with no metadata, loaded and independent of its source.

    Raises:
        ImageError: it cannot be read; ``kind`` says why.
        MemoryError: there is not enough memory for it.
    """
    with _opened(source, max_pixels, name) as (image, shown):
        return _loaded(image, channels, shown)


def read_input(
    source: ImageSource, spec: Preprocessing, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> tuple[np.ndarray, tuple[int, int]]:
    """Read one image as a model is given it: the one road from a source to the input of every stage.

    Args:
        source: as for :func:`read_image`.
        spec: the model's preprocessing; it also says whether a JPEG may be decoded at a reduced scale.
        max_pixels: largest width x height that is read, before it is reduced.
        name: what an error calls it; by default the path, or "image".

    Returns:
        The input, uint8 (H, W, C), and the (height, width) of the upright original.

    Raises:
        ImageError: it cannot be read; ``kind`` says why.
        MemoryError: there is not enough memory for it.
    """
    with _opened(source, max_pixels, name) as (image, shown):
        size = _upright_size(image)
        if isinstance(image, JpegImageFile) and image is not source:  # a caller's own image is left as it is
            scale = decoding_scale(size, spec)
            image.draft(None, (image.width // scale, image.height // scale))
        return preprocess(_loaded(image, spec.channels, shown), spec), size


def read_size(
    source: ImageSource, *, max_pixels: int = MAX_PIXELS, name: str | None = None
) -> tuple[int, int]:
    """Return (height, width) from the header alone, before EXIF orientation.

    Raises:
        ImageError: the header already shows that it cannot be read.
    """
    with _opened(source, max_pixels, name) as (image, _):
        return image.height, image.width


def _loaded(image: Image.Image, channels: int, shown: str) -> Image.Image:
    """Decode an opened image and turn it upright."""
    try:
        image.load()
        return upright(image, as_eight_bits(image, channels, shown))
    except (ImageError, MemoryError):  # a full memory is not the image's fault
        raise
    except Exception as error:  # a decoder fed hostile bytes may raise anything
        raise ImageError(shown, f"is damaged or cut short ({first_line(error)})", "damaged") from None


def _upright_size(image: Image.Image) -> tuple[int, int]:
    """Return (height, width) after EXIF orientation, from the header."""
    turned = is_turned_sideways(image)
    return (image.width, image.height) if turned else (image.height, image.width)


@contextmanager
def _opened(source: ImageSource, max_pixels: int, name: str | None) -> Iterator[tuple[Image.Image, str]]:
    """Open a source up to its header, check the header, and give the image with the name to show."""
    if isinstance(source, Image.Image | np.ndarray):
        shown = name or "image"
        image = source if isinstance(source, Image.Image) else _from_array(source, shown)
        _check_size((image.width, image.height), max_pixels, shown)
        yield image, shown
    elif isinstance(source, bytes | bytearray | memoryview):
        shown = name or "image"
        yield _header(BytesIO(source), len(source), max_pixels, shown), shown
    else:
        shown = name or display_name(source)
        with _open_file(Path(source), shown) as (file, size):
            yield _header(file, size, max_pixels, shown), shown


@contextmanager
def _open_file(path: Path, shown: str) -> Iterator[tuple[IO[bytes], int]]:
    """Open a regular file; anything else is refused unopened, because opening a FIFO waits for a writer."""
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            raise ImageError(shown, "is a folder, not an image file", "unreadable")
        if not stat.S_ISREG(status.st_mode):
            raise ImageError(shown, "is a pipe, socket or device, not an image file", "unreadable")
        file = path.open("rb")
    except FileNotFoundError:
        reason = "is a link to a file that does not exist" if path.is_symlink() else "does not exist"
        raise ImageError(shown, reason, "unreadable") from None
    except (OSError, ValueError) as error:  # ValueError: a NUL byte in the name
        reason = getattr(error, "strerror", None) or str(error)
        raise ImageError(shown, f"cannot be opened ({reason})", "unreadable") from None
    with file:
        yield file, status.st_size


def _header(file: IO[bytes], size: int, max_pixels: int, shown: str) -> Image.Image:
    """Run the decoder that the first bytes ask for, up to the header."""
    try:
        head = file.read(512)
    except OSError as error:
        raise ImageError(shown, f"cannot be read ({error.strerror or error})", "unreadable") from None
    if size < MINIMUM_BYTES:
        reason = "is empty (0 bytes)" if size == 0 else f"holds {size} bytes, too few for an image"
        raise ImageError(shown, reason, "empty")
    format_name = image_format(head)
    if format_name is None:
        raise ImageError(shown, what_it_is(head), "unsupported")
    if format_name == "WEBP":  # its decoder allocates the whole canvas as soon as it is opened
        _check_size(webp_size(head), max_pixels, shown)
    file.seek(0)
    try:
        image = _DECODERS[format_name](file)
    except Exception as error:  # a decoder fed hostile bytes may raise anything
        reason = f"is a {format_name} image with a damaged header ({first_line(error)})"
        raise ImageError(shown, reason, "damaged") from None
    _check_size(image.size, max_pixels, shown)
    if isinstance(image, TiffImageFile):
        _go_to_full_page(image, max_pixels, shown)
    _check_scans(image, file, max_pixels, shown)
    if format_name == "PNG" and not has_sound_pixel_chunks(file):
        raise ImageError(shown, "is a PNG image whose pixel data does not fit its checksum", "damaged")
    return image


def _go_to_full_page(image: TiffImageFile, max_pixels: int, shown: str) -> None:
    try:
        full_page(image, shown)
    except ImageError:
        raise
    except Exception as error:  # as above: a page's tags are bytes of strangers, too
        raise ImageError(
            shown, f"is a TIFF image with a damaged header ({first_line(error)})", "damaged"
        ) from None
    _check_size(image.size, max_pixels, shown)


def _check_size(size: tuple[int, int], max_pixels: int, shown: str) -> None:
    width, height = size
    if width < 1 or height < 1:
        raise ImageError(shown, f"has no pixels ({width}x{height})", "damaged")
    if width * height > max_pixels:
        raise ImageError(
            shown,
            f"is {width}x{height} pixels, more than the {max_pixels / 1e6:g} megapixels that are read",
            "too_large",
        )


def _check_scans(image: Image.Image, file: IO[bytes], max_pixels: int, shown: str) -> None:
    """Refuse a JPEG whose scans would take minutes to decode: progressive, or with a scan for each colour."""
    if image.format != "JPEG":
        return
    most = min(_MOST_SCANS, _MAX_SCANS * max_pixels // (image.width * image.height))
    if has_more_scans(file, most):
        raise ImageError(
            shown, f"has more than {most:,} scans, which would take too long to decode", "too_slow"
        )


def _from_array(array: np.ndarray, shown: str) -> Image.Image:
    """Wrap an array as a Pillow image."""
    pixels = array[:, :, 0] if array.ndim == 3 and array.shape[2] == 1 else array
    layout_fits = pixels.ndim == 2 or (pixels.ndim == 3 and pixels.shape[2] in (3, 4))
    type_fits = pixels.dtype == np.uint8 or (pixels.dtype == np.uint16 and pixels.ndim == 2)
    if not (layout_fits and type_fits):
        raise ImageError(
            shown,
            f"is an array of shape {tuple(array.shape)} and type {array.dtype}; expected uint8 (H, W), (H, W, 3) or "
            f"(H, W, 4), or uint16 (H, W)",
            "unsupported",
        )
    if 0 in pixels.shape:
        raise ImageError(shown, f"has no pixels (array of shape {tuple(array.shape)})", "damaged")
    return Image.fromarray(np.ascontiguousarray(pixels))
