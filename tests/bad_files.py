"""A folder with every bad or odd image file of the contract, made on the spot, with what must come of each.

``make_bad_files(folder)`` writes the files and returns one :class:`BadFile` for each. ``kind`` is the kind of
:class:`imgclf.errors.ImageError` that reading it must give, or None where it must be read.
"""

import os
import struct
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image

HTTP_STATUS = {
    None: 200,
    "empty": 400,
    "unsupported": 415,
    "damaged": 422,
    "too_large": 413,
    "too_slow": 504,
    "unreadable": 400,
}
"""What the server answers for each kind."""


@dataclass(frozen=True)
class BadFile:
    """One file of the collection.

    Attributes:
        number: its number in the contract.
        path: where it lies.
        kind: the ImageError's kind, or None where the file must be read.
        says: a part of the sentence that the error must hold.
        size: (height, width) of what is read, where it is read.
    """

    number: int
    path: Path
    kind: str | None
    says: str = ""
    size: tuple[int, int] | None = None

    @property
    def status(self) -> int:
        """The server's HTTP status for the bytes of this file."""
        return HTTP_STATUS[self.kind]


def make_bad_files(folder: Path) -> list[BadFile]:
    """Write the whole collection (about 2 MB, about two seconds) and say what must come of each file."""
    folder.mkdir(parents=True, exist_ok=True)
    collection = []
    for number, name, content, kind, says in _contents():
        path = folder / name
        path.write_bytes(content)
        collection.append(BadFile(number, path, kind, says))
    return collection + _special_files(folder)


def photo(height: int = 48, width: int = 64) -> Image.Image:
    """A smooth colourful image that compresses like a photograph."""
    rows, columns = np.mgrid[0:height, 0:width]
    red = 255 * rows / height
    green = 255 * columns / width
    blue = 127 + 120 * np.sin(rows / 5) * np.cos(columns / 7)
    return Image.fromarray(np.stack([red, green, blue], axis=-1).astype(np.uint8))


def encoded(image: Image.Image, format_name: str, **options: object) -> bytes:
    """Encode an image in memory."""
    buffer = BytesIO()
    image.save(buffer, format_name, **options)
    return buffer.getvalue()


def png_chunk(name: bytes, data: bytes) -> bytes:
    """Return one PNG chunk with its checksum."""
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


def png_header(width: int, height: int, depth: int = 8, colour: int = 2) -> bytes:
    """Return a PNG signature and header chunk that claims this size."""
    return b"\x89PNG\r\n\x1a\n" + png_chunk(
        b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    )


def jpeg_with_orientation(image: Image.Image, orientation: int) -> bytes:
    """Encode a JPEG with this EXIF orientation."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(image, "JPEG", quality=95, exif=exif)


_Row = tuple[int, str, bytes, str | None, str]


def _contents() -> Iterator[_Row]:
    yield from _not_images()
    yield from _damaged()
    yield from _bombs()
    yield from _odd_but_legal()


def _not_images() -> Iterator[_Row]:
    other = "unsupported"
    yield 1, "01-empty.jpg", b"", "empty", "is empty (0 bytes)"
    yield 2, "02-one-byte.png", b"\xff", "empty", "holds 1 bytes, too few for an image"
    yield 3, "03-text.jpg", b"these are words, not pixels\n" * 20, other, "is a text file"
    yield 4, "04-page.jpg", b"<!DOCTYPE html><html><body>404</body></html>", other, "is a web page (HTML)"
    svg = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'
    yield 5, "05-script.svg", svg, other, "is an SVG drawing"
    yield 6, "06-drawing.png", b"<?xml version='1.0'?>\n" + svg, other, "is an SVG drawing"
    bomb = b'<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;">]><x>&b;</x>'
    yield 7, "07-entities.jpg", bomb, other, "is an XML file"
    yield 8, "08-document.jpg", b"%PDF-1.7\n1 0 obj\n" + bytes(100), other, "is a PDF document"
    yield 9, "09-postscript.jpg", b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n", other, "PostScript"
    yield 10, "10-layers.psd", b"8BPS\x00\x01" + bytes(40), other, "is a Photoshop file"
    yield 10, "10-sky.fits", b"SIMPLE  =                    T" + bytes(80), other, "is a FITS file"
    yield 10, "10-icon.ico", b"\x00\x00\x01\x00\x01\x00" + bytes(40), other, "is an icon (ICO)"
    yield 10, "10-wavelet.jp2", b"\x00\x00\x00\x0cjP  \r\n\x87\n" + bytes(40), other, "is a JPEG 2000 image"
    yield 50, "50-modern.avif", b"\x00\x00\x00 ftypavif" + bytes(40), other, "is an AVIF image"
    yield 50, "50-phone.heic", b"\x00\x00\x00 ftypheic" + bytes(40), other, "is a HEIC image"


def _damaged() -> Iterator[_Row]:
    bad = "damaged"
    jpeg, png = encoded(photo(), "JPEG", quality=90), encoded(photo(), "PNG")
    bmp = encoded(photo(), "BMP")
    scan = jpeg.index(b"\xff\xda") + 14
    yield 11, "11-half.jpg", jpeg[: len(jpeg) // 2], bad, "damaged"
    yield 12, "12-header-only.jpg", jpeg[:scan], bad, "damaged"
    yield 13, "13-no-end.jpg", jpeg[:-2], bad, "damaged"
    yield 14, "14-last-lost.jpg", jpeg[: int(len(jpeg) * 0.99)], bad, "damaged"
    yield 15, "15-cut.png", png[: len(png) // 2], bad, "damaged"
    yield 16, "16-bad-idat.png", _flipped_in_chunk(png, b"IDAT"), bad, "does not fit its checksum"
    yield 17, "17-bad-ihdr.png", _flipped_in_chunk(png, b"IHDR"), bad, "damaged"
    yield 18, "18-cut.bmp", bmp[: len(bmp) // 2], bad, "damaged"
    middle = scan + (len(jpeg) - scan) // 2
    yield 19, "19-garbage.jpg", jpeg[:middle] + b"\x12\x34\x56\x78" * 5 + jpeg[middle + 20 :], None, ""
    yield 20, "20-bit-flip.jpg", jpeg[:middle] + bytes([jpeg[middle] ^ 4]) + jpeg[middle + 1 :], None, ""
    exif = b"Exif\x00\x00II*\x00" + b"\xff" * 40
    app1 = b"\xff\xe1" + struct.pack(">H", len(exif) + 2) + exif
    yield 21, "21-corrupt-exif.jpg", jpeg[:2] + app1 + jpeg[2:], None, ""
    yield 22, "22-orientation-99.jpg", jpeg_with_orientation(photo(), 99), None, ""
    yield 23, "23-broken-profile.jpg", encoded(photo(), "JPEG", icc_profile=b"no profile at all"), None, ""
    yield 49, "49-not-a-number.tiff", encoded(_float_image(np.nan), "TIFF"), bad, "not finite numbers"


def _bombs() -> Iterator[_Row]:
    large, bad = "too_large", "damaged"
    end = png_chunk(b"IEND", b"")
    idat = png_chunk(b"IDAT", zlib.compress(b"\x00\x00\x00\x00"))
    yield 24, "24-header-bomb.png", png_header(65_535, 65_535) + idat + end, large, "is 65535x65535 pixels"
    yield 25, "25-wide-bomb.png", png_header(2**31 - 1, 1) + idat + end, large, "is 2147483647x1 pixels"
    yield 26, "26-144-megapixels.png", _black_png(12_000, 12_000), large, "is 12000x12000 pixels"
    yield 27, "27-400-megapixels.png", png_header(20_000, 20_000) + idat + end, large, "is 20000x20000 pixels"
    flat = encoded(Image.new("1", (10_000, 10_000)), "TIFF", compression="tiff_deflate")
    yield 28, "28-deflate.tiff", flat, large, "is 10000x10000 pixels"
    jpeg = bytearray(encoded(photo(), "JPEG"))
    frame = jpeg.index(b"\xff\xc0") + 5
    jpeg[frame : frame + 4] = struct.pack(">HH", 65_500, 65_500)
    yield 29, "29-header.jpg", bytes(jpeg), large, "is 65500x65500 pixels"
    canvas = b"\x00\x00\x00\x00" + (16_382).to_bytes(3, "little") * 2
    webp = b"WEBPVP8X" + struct.pack("<I", 10) + canvas
    yield 29, "29-canvas.webp", b"RIFF" + struct.pack("<I", len(webp)) + webp, large, "is 16383x16383 pixels"
    yield 30, "30-no-pixels.png", png_header(0, 0) + idat + end, bad, ""
    zeros = zlib.compress(bytes(80_000_000), 9)
    text = png_chunk(b"zTXt", b"Comment\x00\x00" + zeros)
    profile = png_chunk(b"iCCP", b"profile\x00\x00" + zeros)
    body = encoded(photo(), "PNG")
    yield 31, "31-text-bomb.png", body[:33] + text + body[33:], bad, "too large"
    yield 32, "32-profile-bomb.png", body[:33] + profile + body[33:], bad, "too large"
    yield 33, "33-many-frames.gif", _gif_of_many_frames(10_000), None, ""
    yield 34, "34-many-scans.jpg", _many_scans(2_000), "too_slow", "has more than 250 scans"
    yield 34, "34-scans-of-colours.jpg", jpeg_with_scans(501), "too_slow", "has more than 500 scans"


def _odd_but_legal() -> Iterator[_Row]:
    image = photo()
    yield 35, "35-cmyk.jpg", encoded(image.convert("CMYK"), "JPEG"), None, ""
    yield 36, "36-grey.jpg", encoded(image.convert("L"), "JPEG"), None, ""
    yield (
        37,
        "37-grey16.png",
        encoded(Image.fromarray(np.full((9, 7), 127 * 257, np.uint16)), "PNG"),
        None,
        "",
    )
    yield 38, "38-rgb16.png", _rgb16_png(np.full((9, 7, 3), 127 * 257, np.uint16)), None, ""
    yield 39, "39-one-bit.png", encoded(image.convert("1"), "PNG"), None, ""
    palette = image.quantize(16)
    yield 40, "40-palette.png", encoded(palette, "PNG", transparency=3), None, ""
    yield 41, "41-la.png", encoded(image.convert("LA"), "PNG"), None, ""
    clear = image.convert("RGBA")
    clear.putalpha(0)
    yield 42, "42-transparent.png", encoded(clear, "PNG"), None, ""
    yield 43, "43-orientation-6.jpg", jpeg_with_orientation(image, 6), None, ""
    frames = {"save_all": True, "append_images": [Image.new("RGB", image.size, "red")]}
    yield 44, "44-frames.png", encoded(image, "PNG", **frames), None, ""
    yield 44, "44-frames.webp", encoded(image, "WEBP", lossless=True, **frames), None, ""
    yield 44, "44-frames.tiff", encoded(image, "TIFF", **frames), None, ""
    yield 45, "45-one-pixel.png", encoded(image.resize((1, 1)), "PNG"), None, ""
    yield 46, "46-thin.png", encoded(image.resize((1, 20_000)), "PNG"), None, ""
    yield 47, "47-png-named.jpg", encoded(image, "PNG"), None, ""
    yield 48, "48-polyglot.jpg", encoded(image, "JPEG") + b"PK\x03\x04<?php echo 1; ?>", None, ""


def _special_files(folder: Path) -> list[BadFile]:
    """Folders, links, pipes and odd names (not every file system takes every name; those it refuses are left out)."""
    refused = "unreadable"
    (folder / "51-folder.jpg").mkdir(exist_ok=True)
    special = [BadFile(51, folder / "51-folder.jpg", refused, "is a folder")]
    makers: list[tuple[int, str, Callable[[Path], object], str]] = [
        (52, "52-dangling.jpg", lambda path: path.symlink_to("no-such-file"), "does not exist"),
        (52, "52-looping.jpg", lambda path: path.symlink_to("52-looping.jpg"), "cannot be opened"),
        (53, "53-pipe.jpg", os.mkfifo, "is a pipe"),
    ]
    for number, name, make, says in makers:
        make(folder / name)
        special.append(BadFile(number, folder / name, refused, says))
    special += _unreadable(folder)
    sound = encoded(photo(), "JPEG")
    names = [
        "55-new\nline.jpg",
        os.fsdecode(b"55-bytes-\xff\xfe.jpg"),
        "55 spaces .jpg",
        "55-query.jpg?v=1",
        "55-é中.JPG",
    ]
    for name in [*names, "55-" + "n" * 248 + ".jpg"]:
        try:
            (folder / name).write_bytes(sound)
        except OSError:
            continue
        special.append(BadFile(55, folder / name, None))
    return special


def _unreadable(folder: Path) -> list[BadFile]:
    """Root reads everything, so the file without permission is made for other users only."""
    if os.geteuid() == 0:
        return []
    path = folder / "54-forbidden.jpg"
    path.write_bytes(encoded(photo(), "JPEG"))
    path.chmod(0)
    return [BadFile(54, path, "unreadable", "Permission denied")]


def _flipped_in_chunk(png: bytes, name: bytes) -> bytes:
    """Flip a bit in a chunk's data, so that its checksum is wrong."""
    position = png.index(name) + len(name) + 2
    return png[:position] + bytes([png[position] ^ 1]) + png[position + 1 :]


def _float_image(corner: float) -> Image.Image:
    values = np.linspace(0, 1, 63, dtype=np.float32).reshape(9, 7)
    values[0, 0] = corner
    return Image.fromarray(values)


def _black_png(width: int, height: int) -> bytes:
    """A true 1-bit PNG of this size, compressed to a few kilobytes."""
    rows = zlib.compress(bytes((1 + (width + 7) // 8) * height), 9)
    return png_header(width, height, 1, 0) + png_chunk(b"IDAT", rows) + png_chunk(b"IEND", b"")


def _rgb16_png(pixels: np.ndarray) -> bytes:
    """Encode uint16 (H, W, 3), which Pillow cannot write."""
    height, width, _ = pixels.shape
    rows = b"".join(b"\x00" + row.astype(">u2").tobytes() for row in pixels)
    return png_header(width, height, 16) + png_chunk(b"IDAT", zlib.compress(rows)) + png_chunk(b"IEND", b"")


def _gif_of_many_frames(count: int) -> bytes:
    """A GIF whose one frame is repeated."""
    gif = encoded(photo(8, 8).quantize(4), "GIF")
    frame = gif[gif.index(b",\x00\x00") : -1]
    return gif[:-1] + frame * count + b";"


def jpeg_with_scans(count: int) -> bytes:
    """A sequential JPEG of 16x16 pixels with a scan for each colour, as often as wanted.

    Pillow writes all colours in one scan, so that this is put together: a grey one's only scan is said to be one of
    three colours, and repeated.
    """
    grey = encoded(Image.new("L", (16, 16), 90), "JPEG")
    frame, scan = grey.index(b"\xff\xc0"), grey.index(b"\xff\xda")
    size = grey[frame + 5 : frame + 9]
    colours = b"\xff\xc0\x00\x11\x08" + size + b"\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    head = grey[:frame] + colours + grey[frame + 13 : scan]
    data = grey[scan + 10 : -2]
    scans = [
        b"\xff\xda\x00\x08\x01" + bytes([1 + number % 3]) + b"\x00\x00\x3f\x00" for number in range(count)
    ]
    return head + b"".join(start + data for start in scans) + b"\xff\xd9"


def _many_scans(count: int) -> bytes:
    """A progressive JPEG of 4 megapixels whose last scan is repeated."""
    jpeg = encoded(Image.new("L", (2_000, 2_000), 90), "JPEG", progressive=True)
    last = jpeg[jpeg.rindex(b"\xff\xda") : -2]
    return jpeg[:-2] + last * count + b"\xff\xd9"


__all__ = [
    "HTTP_STATUS",
    "BadFile",
    "encoded",
    "jpeg_with_orientation",
    "jpeg_with_scans",
    "make_bad_files",
    "photo",
]
