"""What a file is, told from its first bytes: the formats that are read, and what to say of the others."""

MINIMUM_BYTES = 8  # nothing shorter can hold a signature

READ_FORMATS = "JPEG, PNG, WebP, BMP, TIFF and GIF"

_IMAGE_SIGNATURES = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"BM", "BMP"),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),  # BigTIFF
    (b"MM\x00+", "TIFF"),
)

_OTHER_SIGNATURES = (
    (b"%PDF", "a PDF document"),
    (b"%!PS", "an EPS or PostScript file"),
    (b"\xc5\xd0\xd3\xc6", "an EPS file"),
    (b"8BPS", "a Photoshop file"),
    (b"SIMPLE  =", "a FITS file"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"v/1\x01", "an OpenEXR image"),
    (b"#?RADIANCE", "a Radiance HDR image"),
    (b"FUJIFILMCCD-RAW", "a camera raw file (develop it to JPEG or TIFF first)"),
    (b"II*\x00", "a camera raw file (develop it to JPEG or TIFF first)"),  # CR2; other TIFF is read
    (b"IIRO", "a camera raw file (develop it to JPEG or TIFF first)"),
    (b"IIU\x00", "a camera raw file (develop it to JPEG or TIFF first)"),
    (b"\x00\x00\x01\x00", "an icon (ICO)"),
    (b"\x00\x00\x00\x0cjP  ", "a JPEG 2000 image"),
    (b"\xff\x4f\xff\x51", "a JPEG 2000 image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"\x00\x00\x00\x0cJXL ", "a JPEG XL image"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"version https://git-lfs", "a Git LFS pointer: the file itself was not fetched (git lfs pull)"),
)

_ISO_BRANDS = {
    **dict.fromkeys(
        (b"avif", b"avis"), ("an AVIF image", "install libavif and use avifdec, or use ImageMagick")
    ),
    **dict.fromkeys(
        (b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"mif1", b"msf1"),
        ("a HEIC image", "install libheif and use heif-convert, or use ImageMagick"),
    ),
}


def image_format(head: bytes) -> str | None:
    """Return Pillow's name of the format, or None where it is none of those that are read.

    Canon's CR2 is a TIFF by its first bytes; it names itself at byte 8.

    >>> image_format(b"GIF89a" + bytes(10))
    'GIF'
    """
    if head[:4] == b"RIFF" and head[8:12] == b"WEBP":
        return "WEBP"
    if head[8:10] == b"CR" and head.startswith(b"II*\x00"):
        return None
    return next((name for signature, name in _IMAGE_SIGNATURES if head.startswith(signature)), None)


def what_it_is(head: bytes) -> str:
    """Return the rest of a sentence that says what a file is instead of an image, and what to do.

    >>> what_it_is(b"%PDF-1.7")
    'is a PDF document; JPEG, PNG, WebP, BMP, TIFF and GIF are read'
    """
    if head[4:8] == b"ftyp" and head[8:12] in _ISO_BRANDS:
        name, how = _ISO_BRANDS[head[8:12]]
        return f"is {name}, which is not read; convert it to JPEG or PNG first ({how})"
    if head[128:132] == b"DICM":
        return f"is a DICOM image, which is not read; export it to PNG or TIFF first. {READ_FORMATS} are read"
    for signature, name in _OTHER_SIGNATURES:
        if head.startswith(signature):
            return f"is {name}; {READ_FORMATS} are read"
    return f"is {_text_kind(head)}; {READ_FORMATS} are read"


def _text_kind(head: bytes) -> str:
    """Tell markup and plain text from unknown binary data."""
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if b"<svg" in start:
        return "an SVG drawing, which has no pixels"
    if start.startswith((b"<!doctype html", b"<html")) or b"<html" in start:
        return "a web page (HTML), perhaps saved in place of the image"
    if start.startswith(b"<"):
        return "an XML file"
    if start and all(byte >= 32 or byte in b"\t\r\n\x0c" for byte in start):
        return "a text file"
    return "no image of a known format"


def webp_size(head: bytes) -> tuple[int, int]:
    """Return (width, height) of a WebP canvas from its first 30 bytes; (0, 0) where they are cut short.

    The layout is that of https://developers.google.com/speed/webp/docs/riff_container.
    """
    if len(head) < 30:
        return 0, 0
    chunk = head[12:16]
    if chunk == b"VP8X":
        return 1 + int.from_bytes(head[24:27], "little"), 1 + int.from_bytes(head[27:30], "little")
    if chunk == b"VP8L":
        bits = int.from_bytes(head[21:25], "little")
        return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    return int.from_bytes(head[26:28], "little") & 0x3FFF, int.from_bytes(head[28:30], "little") & 0x3FFF
