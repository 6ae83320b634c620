"""TIFF files that show something else than they seem to: thumbnails before the image, raw data, planes misread.

The tags are those of TIFF 6.0 (https://www.itu.int/itudoc/itu-t/com16/tiff-fx/docs/tiff6.pdf) and of DNG 1.7.
"""

from PIL.TiffImagePlugin import TiffImageFile

from imgclf.errors import ImageError

_NEW_SUBFILE_TYPE, _COMPRESSION, _BITS, _PLANAR, _SUB_IFDS, _DNG_VERSION = 254, 259, 258, 284, 330, 50706
_REDUCED = 1  # bit of NewSubfileType: "a reduced-resolution version of another image in this file"
_UNCOMPRESSED, _SEPARATE_PLANES = 1, 2
_MOST_PAGES = 64  # looked through for the full one


def full_page(image: TiffImageFile, shown: str) -> None:
    """Go to the first page that is no reduced version of another; refuse what would be misread.

    Raises:
        ImageError: it is a camera raw file, has reduced pages only, or planes that Pillow reads as stripes.
    """
    tags = image.tag_v2
    reduced = _is_reduced(image)
    if _DNG_VERSION in tags or (reduced and _SUB_IFDS in tags):
        raise ImageError(
            shown,
            "is a camera raw file, which holds a thumbnail and no finished image; develop it first",
            "unsupported",
        )
    page = 0
    while reduced and page + 1 < min(image.n_frames, _MOST_PAGES):
        page += 1
        image.seek(page)
        reduced = _is_reduced(image)
    if reduced:
        raise ImageError(shown, "holds reduced versions of an image and not the image itself", "unsupported")
    bits = image.tag_v2.get(_BITS, (1,))
    deep = max(bits if isinstance(bits, tuple) else (bits,)) > 8
    # Without compression Pillow 12 takes the two bytes of a sample for two samples: stripes.
    if (
        deep
        and len(image.getbands()) > 1
        and image.tag_v2.get(_PLANAR) == _SEPARATE_PLANES
        and image.tag_v2.get(_COMPRESSION, _UNCOMPRESSED) == _UNCOMPRESSED
    ):
        raise ImageError(
            shown,
            "is an uncompressed TIFF with separate planes of 16 bits, which cannot be read right; save it with "
            "compression, or with its colours together",
            "unsupported",
        )


def _is_reduced(image: TiffImageFile) -> bool:
    kind = image.tag_v2.get(_NEW_SUBFILE_TYPE, 0)
    return isinstance(kind, int) and bool(kind & _REDUCED)
