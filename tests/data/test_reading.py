"""The one reader: what it refuses, what it makes of odd images."""

import os
import struct
import tempfile
import threading
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from imgclf.data import read_image
from imgclf.data.images.names import display_name
from imgclf.data.images.pixels import as_eight_bits
from imgclf.data.images.reading import read_size
from imgclf.errors import ImageError
from tests.bad_files import (
    BadFile,
    encoded,
    jpeg_with_orientation,
    jpeg_with_scans,
    make_bad_files,
    photo,
)


@pytest.fixture(scope="module")
def bad_files(tmp_path_factory: pytest.TempPathFactory) -> list[BadFile]:
    """The whole collection of bad and odd files."""
    return make_bad_files(tmp_path_factory.mktemp("bad"))


def test_every_bad_file_gives_the_kind_and_the_sentence_of_the_contract(bad_files: list[BadFile]) -> None:
    """Each refused file is named with its reason, and the kind tells the server its status."""
    for bad in (bad for bad in bad_files if bad.kind is not None):
        with pytest.raises(ImageError) as caught:
            read_image(bad.path)
        assert caught.value.kind == bad.kind, bad.path.name
        assert bad.says in caught.value.reason, bad.path.name
        assert str(caught.value) == f"{display_name(str(bad.path))}: {caught.value.reason}"


def test_every_odd_file_is_read(bad_files: list[BadFile]) -> None:
    """Files that are odd but legal give RGB and grey images."""
    for odd in (bad for bad in bad_files if bad.kind is None):
        assert read_image(odd.path).mode == "RGB", odd.path.name
        assert read_image(odd.path, channels=1).mode == "L", odd.path.name


def test_bytes_give_the_same_answer_as_files(bad_files: list[BadFile]) -> None:
    """What the server reads from memory, the command line reads from disk."""
    for bad in (bad for bad in bad_files if bad.path.is_file() and os.access(bad.path, os.R_OK)):
        content = bad.path.read_bytes()
        if bad.kind is None:
            assert np.array_equal(read_image(content), read_image(bad.path)), bad.path.name
        else:
            with pytest.raises(ImageError, match=r"^upload 7: ") as caught:
                read_image(content, name="upload 7")
            assert caught.value.kind == bad.kind, bad.path.name


def test_a_bomb_costs_no_memory(bad_files: list[BadFile]) -> None:
    """A header that claims gigapixels is refused before anything is allocated."""
    import tracemalloc

    tracemalloc.start()
    for bad in (bad for bad in bad_files if bad.kind == "too_large"):
        with pytest.raises(ImageError):
            read_image(bad.path)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10_000_000


def test_a_missing_file_is_named() -> None:
    """A path that leads nowhere says so."""
    with pytest.raises(ImageError, match=r"^no/such\.jpg: does not exist$"):
        read_image(Path("no/such.jpg"))


def test_a_name_with_a_nul_byte_is_refused() -> None:
    """A NUL byte in a name is an error of the file, not a traceback."""
    with pytest.raises(ImageError, match=r"cannot be opened \((lstat|stat|open)?:? ?embedded null") as caught:
        read_image(Path("a\x00b.jpg"))
    assert "\\x00" in str(caught.value)


def test_a_cap_of_ones_own_is_kept() -> None:
    """``max_pixels`` is the caller's to choose."""
    with pytest.raises(
        ImageError, match=r"^image: is 64x48 pixels, more than the 0\.003 megapixels that are read$"
    ):
        read_image(encoded(photo(), "PNG"), max_pixels=3000)
    with pytest.raises(ImageError, match=r"too|more than"):
        read_image(photo(), max_pixels=3000)


def test_sixteen_bits_are_scaled_not_clipped() -> None:
    """A 16-bit grey ramp keeps its 256 levels."""
    ramp = np.arange(0, 65_536, 257, dtype=np.uint16).reshape(16, 16)
    expected = np.arange(256, dtype=np.uint8).reshape(16, 16)
    for source in (encoded(Image.fromarray(ramp), "PNG"), encoded(Image.fromarray(ramp), "TIFF"), ramp):
        assert np.array_equal(np.asarray(read_image(source, channels=1)), expected)
        assert np.array_equal(np.asarray(read_image(source))[:, :, 1], expected)


def test_sixteen_bit_colour_is_scaled(bad_files: list[BadFile]) -> None:
    """A 16-bit RGB PNG of middle grey is middle grey."""
    path = next(bad.path for bad in bad_files if bad.number == 38)
    assert np.unique(np.asarray(read_image(path))).tolist() == [127]


def test_integer_and_float_tiffs_are_scaled() -> None:
    """32-bit samples are taken as 16-bit numbers, floats as the range that holds them."""
    integers = Image.fromarray(np.array([[0, 32_896, 65_535]], dtype=np.int32))
    assert np.asarray(read_image(encoded(integers, "TIFF"), channels=1)).tolist() == [[0, 128, 255]]
    for top in (1.0, 255.0, 65_535.0):
        floats = Image.fromarray(np.array([[0, top / 2, top]], dtype=np.float32))
        assert np.asarray(read_image(encoded(floats, "TIFF"), channels=1)).tolist() == [[0, 128, 255]]


def test_floats_of_no_known_range_are_refused() -> None:
    """Negative pixels have no place on a scale."""
    floats = Image.fromarray(np.array([[-3.5, 2]], dtype=np.float32))
    sentence = r"^image: has float pixels from -3\.5 to 2; expected 0 to 1, 0 to 255 or 0 to 65535$"
    with pytest.raises(ImageError, match=sentence):
        read_image(encoded(floats, "TIFF"))


def test_transparency_lies_on_white() -> None:
    """RGBA, LA and a palette with a transparent entry show white where they are clear."""
    clear = photo().convert("RGBA")
    clear.putalpha(0)
    palette = Image.new("P", (4, 4), 0)
    palette.putpalette([10, 20, 30] * 256)
    for source in (
        encoded(clear, "PNG"),
        encoded(clear.convert("LA"), "PNG"),
        encoded(palette, "PNG", transparency=0),
    ):
        assert np.unique(np.asarray(read_image(source))).tolist() == [255]
        assert np.unique(np.asarray(read_image(source, channels=1))).tolist() == [255]


@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_applied_once(orientation: int) -> None:
    """Each of the eight orientations stands upright, and reading the result again turns nothing."""
    from PIL import ImageOps

    content = jpeg_with_orientation(photo(), orientation)
    expected = ImageOps.exif_transpose(Image.open(BytesIO(content)))
    image = read_image(content)
    assert np.array_equal(image, expected)
    assert np.array_equal(read_image(image), expected)


def test_tiff_orientation_is_applied_once() -> None:
    """Pillow turns TIFF by itself; the reader does not turn it back."""
    content = encoded(photo(), "TIFF", tiffinfo={0x0112: 6})
    assert read_image(content).size == (48, 64)


def test_cmyk_keeps_its_colours() -> None:
    """A CMYK JPEG looks like the RGB picture it was made from."""
    restored = np.asarray(read_image(encoded(photo().convert("CMYK"), "JPEG", quality=95)), dtype=int)
    assert np.abs(restored - np.asarray(photo(), dtype=int)).mean() < 4


def test_the_first_frame_is_taken(bad_files: list[BadFile]) -> None:
    """Of an animation the first frame is read."""
    for bad in (bad for bad in bad_files if bad.number == 44):
        assert np.array_equal(read_image(bad.path), photo()), bad.path.name


def test_arrays_and_pillow_images_are_read() -> None:
    """Pixels at hand go through the same conversion."""
    pixels = np.asarray(photo())
    assert np.array_equal(read_image(pixels), pixels)
    assert np.array_equal(read_image(pixels[:, :, :1]), read_image(pixels[:, :, 0]))
    assert read_image(photo().convert("1")).mode == "RGB"
    assert read_image(np.dstack([pixels, np.zeros((48, 64), np.uint8)])).getpixel((0, 0)) == (255, 255, 255)


def test_an_array_of_another_layout_is_refused() -> None:
    """A float array says which arrays are taken."""
    sentence = (
        r"^image: is an array of shape \(2, 3, 4, 5\) and type float64; expected uint8 \(H, W\), \(H, W, 3\) or "
        r"\(H, W, 4\), or uint16 \(H, W\)$"
    )
    with pytest.raises(ImageError, match=sentence):
        read_image(np.zeros((2, 3, 4, 5)))
    with pytest.raises(ImageError, match=r"^image: has no pixels \(array of shape \(0, 5\)\)$"):
        read_image(np.zeros((0, 5), np.uint8))


def test_unknown_data_says_which_formats_are_read() -> None:
    """Noise is no image of a known format."""
    sentence = "^image: is no image of a known format; JPEG, PNG, WebP, BMP, TIFF and GIF are read$"
    with pytest.raises(ImageError, match=sentence):
        read_image(b"\x00\x01\x02\x03" * 20)


def test_threads_read_at_once(bad_files: list[BadFile]) -> None:
    """Reading in threads needs no lock."""
    odd = [bad.path for bad in bad_files if bad.kind is None]
    results: list[bool] = []
    threads = [
        threading.Thread(target=lambda: results.extend(read_image(path).mode == "RGB" for path in odd))
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == [True] * (4 * len(odd))


def test_the_size_is_read_from_the_header() -> None:
    """``read_size`` decodes nothing and checks the cap."""
    assert read_size(encoded(photo(), "JPEG")[:700]) == (48, 64)
    assert read_size(np.zeros((3, 4), np.uint8)) == (3, 4)
    with pytest.raises(ImageError, match="is 64x48 pixels"):
        read_size(encoded(photo(), "JPEG"), max_pixels=10)


@pytest.mark.parametrize(
    "options", [{"lossless": True}, {"lossless": False}, {"lossless": False, "exif": b"Exif\0\0"}]
)
def test_every_kind_of_webp_header_is_understood(options: dict[str, object]) -> None:
    """VP8, VP8L and VP8X canvases are measured before the decoder allocates them."""
    assert read_size(encoded(photo(), "WEBP", **options)) == (48, 64)
    with pytest.raises(ImageError, match="is 64x48 pixels"):
        read_size(encoded(photo(), "WEBP", **options), max_pixels=10)


def test_every_jpegs_scans_are_counted_before_it_is_decoded() -> None:
    """As many as the cap are read; one more is refused, for a file whose decoding would be harmless."""
    assert read_image(jpeg_with_scans(500)).size == (16, 16)
    with pytest.raises(
        ImageError, match=r"^image: has more than 500 scans, which would take too long to decode$"
    ):
        read_image(jpeg_with_scans(501))
    assert read_image(jpeg_with_scans(20), max_pixels=256).size == (16, 16)
    with pytest.raises(ImageError, match="has more than 20 scans"):
        read_image(jpeg_with_scans(21), max_pixels=256)


def test_what_only_looks_like_a_scan_is_none() -> None:
    """A preview in the header and a film behind the picture are full of bytes that would begin a scan."""
    jpeg = encoded(photo(), "JPEG")
    looks = b"\xff\xda" * 20_000
    comment = b"\xff\xfe" + (len(looks) + 2).to_bytes(2) + looks
    plain = np.asarray(read_image(jpeg))
    for odd in (jpeg + looks * 3, jpeg[:2] + comment + jpeg[2:]):
        assert np.array_equal(np.asarray(read_image(odd)), plain)


@pytest.mark.parametrize("rest", [b"", b"\xff", b"\xff\xda", b"\xff\xda\x00", b"\xff\xfe\xff\xff"])
def test_counting_ends_where_a_jpeg_is_cut_off(rest: bytes) -> None:
    """Wherever that is, and it is still too many scans."""
    with pytest.raises(ImageError, match="has more than 500 scans"):
        read_image(jpeg_with_scans(501)[:-2] + rest)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (bytes(128) + b"DICM", "is a DICOM image, which is not read; export it to PNG or TIFF first. "),
        (b"\x93NUMPY\x01\x00", "is a NumPy array; "),
        (b"v/1\x01\x02\x00\x00\x00", "is an OpenEXR image; "),
        (b"\xff\x0a" + bytes(8), "is a JPEG XL image; "),
        (b"II*\x00\x10\x00\x00\x00CR\x02\x00", "is a camera raw file (develop it to JPEG or TIFF first); "),
        (b"FUJIFILMCCD-RAW 0201", "is a camera raw file (develop it to JPEG or TIFF first); "),
    ],
)
def test_other_kinds_of_images_are_named(content: bytes, reason: str) -> None:
    """What it is and what to do, never "damaged"."""
    with pytest.raises(ImageError) as caught:
        read_image(content)
    assert caught.value.reason == f"{reason}JPEG, PNG, WebP, BMP, TIFF and GIF are read"
    assert caught.value.kind == "unsupported"


@pytest.mark.skipif(not hasattr(os, "seteuid"), reason="users are a matter of POSIX")
def test_a_file_that_its_owner_keeps_to_himself_is_named() -> None:
    """Whoever runs the tests: root reads everything, and becomes somebody else for this one."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "54-forbidden.jpg"
        path.write_bytes(encoded(photo(), "JPEG"))
        path.chmod(0)
        Path(folder).chmod(0o755)
        before = os.geteuid()
        if before == 0:
            os.seteuid(65534)
        try:
            with pytest.raises(
                ImageError, match=r"54-forbidden\.jpg: cannot be opened \(Permission denied\)$"
            ):
                read_image(path)
        finally:
            os.seteuid(before)


def _tiff(*pages: tuple[int, dict[int, tuple[int, ...]]]) -> bytes:
    """Return an uncompressed TIFF of 2x2 grey pages: (shade, more tags), each page after its pixels."""
    content, link = bytearray(b"II*\0" + bytes(4)), 4
    for shade, more in pages:
        strip = len(content)
        content += bytes([shade] * 4)
        tags = {
            256: (2,),
            257: (2,),
            258: (8,),
            259: (1,),
            262: (1,),
            273: (strip,),
            277: (1,),
            278: (2,),
            279: (4,),
            **more,
        }
        content[link : link + 4] = len(content).to_bytes(4, "little")
        content += len(tags).to_bytes(2, "little")
        for tag, values in sorted(tags.items()):
            content += struct.pack("<HHII", tag, 4, len(values), values[0])
        link = len(content)
        content += bytes(4)
    return bytes(content)


def test_the_full_page_of_a_tiff_is_read() -> None:
    """A page marked as a reduced version of another is passed over."""
    image = read_image(_tiff((10, {254: (1,)}), (200, {254: (0,)})), channels=1)
    assert np.asarray(image).tolist() == [[200, 200], [200, 200]]


@pytest.mark.parametrize(
    ("pages", "reason"),
    [
        (
            [(10, {254: (1,), 330: (8,)})],
            "is a camera raw file, which holds a thumbnail and no finished image; develop it first",
        ),
        (
            [(10, {50706: (1,)})],
            "is a camera raw file, which holds a thumbnail and no finished image; develop it first",
        ),
        ([(10, {254: (1,)})], "holds reduced versions of an image and not the image itself"),
    ],
)
def test_thumbnails_are_not_taken_for_the_image(pages: list[Any], reason: str) -> None:
    """NEF, DNG and the like, and files of reduced pages alone."""
    with pytest.raises(ImageError) as caught:
        read_image(_tiff(*pages))
    assert (caught.value.reason, caught.value.kind) == (reason, "unsupported")


def test_separate_planes_of_16_bits_are_refused() -> None:
    """Pillow reads them as stripes where they are not compressed."""
    tags = {258: (16, 16, 16), 262: (2,), 277: (3,), 284: (2,)}
    content = bytearray(_tiff((7, tags)))
    bits = len(content)
    content += struct.pack("<HHH", 16, 16, 16) + bytes(24)
    entry = content.index(struct.pack("<HHI", 258, 4, 3))
    content[entry : entry + 12] = struct.pack("<HHII", 258, 3, 3, bits)
    with pytest.raises(ImageError) as caught:
        read_image(bytes(content))
    assert caught.value.reason == (
        "is an uncompressed TIFF with separate planes of 16 bits, which cannot be read right; save it with compression, or "
        "with its colours together"
    )


@pytest.mark.parametrize("order", ["<u2", ">u2"])
@pytest.mark.parametrize("top", [65_535, 4_095, 1_023])
def test_every_sixteen_bit_sample_is_rounded_to_its_level(order: str, top: int) -> None:
    """In strips, without a copy in floats, in both byte orders; samples above the depth are white."""
    samples = np.arange(65_536).reshape(512, 128)
    mode = "I;16" if order == "<u2" else "I;16B"
    image: Any = Image.frombytes(mode, (128, 512), samples.astype(order).tobytes())
    image.tag_v2 = {258: (top.bit_length(),)}
    expected = np.clip(np.floor(samples * (255 / top) + 0.5), 0, 255).astype(np.uint8)
    assert np.array_equal(np.asarray(as_eight_bits(image, 1)), expected)
