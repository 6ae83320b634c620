"""Decoding a split once, and keeping it on disk."""

import os
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.data import Examples, read_image
from imgclf.data.images.preparation import AsEvaluated, AsItIs, FirstResized
from imgclf.data.loading import decoded as decoded_module
from imgclf.data.loading.decoded import Decoding, decode
from imgclf.data.loading.decoded_cache import default_cache_dir
from imgclf.data.loading.memory import available_memory
from imgclf.errors import DataError, ImageError
from imgclf.records import Preprocessing, Progress, UnreadableImage
from tests.bad_files import encoded, jpeg_with_orientation, make_bad_files, photo

SPEC = Preprocessing((16, 20), (0.5,) * 3, (0.25,) * 3)
SIZES = [(48, 64), (30, 20), (16, 20), (7, 90)]


def _examples(images: list[Path] | list[bytes] | list[Image.Image] | np.ndarray) -> Examples:
    names = [str(image) if isinstance(image, Path) else f"image {i}" for i, image in enumerate(images)]
    return Examples(images, np.arange(len(images)) % 2, names)  # type: ignore[arg-type]


def _decoded(examples: Examples, prepare: AsEvaluated | AsItIs | FirstResized, **options: object) -> Decoding:
    decoding = decode(examples, prepare, **options)  # type: ignore[arg-type]
    assert decoding is not None
    return decoding


@pytest.fixture
def always_kept(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Keep even what decodes in no time; returns the cache's folder."""
    monkeypatch.setattr(decoded_module, "_WORTH_KEEPING", -1.0)
    return tmp_path / "cache"


def test_images_of_differing_size_are_kept_whole() -> None:
    """Each image comes back pixel for pixel, turned upright."""
    contents = [encoded(photo(*size), "PNG") for size in SIZES] + [jpeg_with_orientation(photo(), 6)]
    decoding = _decoded(_examples(contents), AsItIs(3, 1000))
    assert len(np.unique(decoding.images.shapes, axis=0)) > 1
    assert decoding.kept.tolist() == [0, 1, 2, 3, 4]
    for index, content in enumerate(contents):
        assert np.array_equal(decoding.images[index], np.asarray(read_image(content)))


def test_what_evaluation_sees_is_one_array() -> None:
    """Prepared for evaluation, all images have the input size, and are those of the prediction road."""
    contents = [encoded(photo(*size), "PNG") for size in SIZES]
    decoding = _decoded(_examples(contents), AsEvaluated(SPEC))
    expected = np.stack([AsEvaluated(SPEC).read(content, "image") for content in contents])
    assert np.array_equal(decoding.images.array, expected)


def test_large_photographs_are_shrunk() -> None:
    """Images larger than needed are kept at the largest useful size."""
    decoding = _decoded(
        _examples([encoded(photo(48, 64), "PNG"), encoded(photo(10, 64), "PNG")]), AsItIs(3, 24)
    )
    assert decoding.images.shapes.tolist() == [[24, 32, 3], [10, 64, 3]]


@pytest.mark.parametrize("to", [20, (10, 12)])
def test_a_resize_in_front_is_torchvisions(to: int | tuple[int, int]) -> None:
    """The folded Resize gives torchvision's size and Pillow's pixels."""
    from torchvision.transforms import v2

    for size in SIZES:
        expected = v2.Resize(to)(photo(*size))
        prepared = FirstResized(3, to).read(photo(*size), "image")
        assert np.array_equal(prepared, np.asarray(expected))
        assert prepared.shape[:2] == FirstResized(3, to).size(size)


def test_an_array_is_taken_without_a_copy() -> None:
    """Pixels at hand are not decoded, and grey ones keep one channel for the device to widen."""
    grey = np.random.default_rng(0).integers(256, size=(5, 16, 20), dtype=np.uint8)
    decoding = _decoded(_examples(grey), AsEvaluated(SPEC))
    assert decoding.images.array.shape == (5, 16, 20, 1)
    assert np.shares_memory(decoding.images.array, grey)
    assert _decoded(_examples(grey), FirstResized(3, (8, 8))).images.array.shape == (5, 8, 8, 3)


def test_unreadable_images_are_left_out_by_name(tmp_path: Path) -> None:
    """What cannot be read is listed with its reason, and the others keep their order and pixels."""
    bad = [bad.path for bad in make_bad_files(tmp_path / "bad") if bad.kind is not None]
    good = [tmp_path / f"{i}.png" for i in range(3)]
    for path, size in zip(good, SIZES, strict=False):
        photo(*size).save(path)
    files = [good[0], *bad[:9], good[1], *bad[9:], good[2]]
    for prepare in (AsItIs(3, 1000), AsEvaluated(SPEC)):
        decoding = _decoded(_examples(files), prepare)
        assert [files[index] for index in decoding.kept] == good
        assert [skipped.file for skipped in decoding.skipped] == [str(path) for path in bad]
        for index, path in enumerate(good):
            assert np.array_equal(decoding.images[index], prepare.read(path, "image"))
    assert np.array_equal(
        decoding.images.array, np.stack([decoding.images[index] for index in range(len(good))])
    )


def test_fail_names_the_first_unreadable_image() -> None:
    """``on_error="fail"`` stops with the file's name, its fault and the way out."""
    sentence = r"^image 1: is empty \(0 bytes\)\. To leave such files out: --on-error skip$"
    with pytest.raises(ImageError, match=sentence):
        decode(_examples([encoded(photo(), "PNG"), b"", b""]), AsItIs(3, 100), on_error="fail")


def test_a_split_without_a_readable_image_is_an_error() -> None:
    """Nothing to learn from is not skipped over."""
    sentence = r"^None of the 2 images can be read\. The first is image 0: is empty \(0 bytes\)\.$"
    with pytest.raises(DataError, match=sentence):
        decode(_examples([b"", b""]), AsItIs(3, 100))


def test_the_memory_budget_is_kept() -> None:
    """A set that would take more is not decoded at all."""
    examples = _examples([encoded(photo(), "PNG")] * 3)
    need = 3 * 48 * 64 * 3 / 2**30
    assert decode(examples, AsItIs(3, 100), memory_budget_gb=need * 0.99) is None
    assert decode(examples, AsItIs(3, 100), memory_budget_gb=need) is not None
    assert decode(examples, AsEvaluated(SPEC), memory_budget_gb=1e-6) is None


def test_progress_reaches_the_end() -> None:
    """The last report says that all images are done."""
    reports: list[Progress] = []
    decode(_examples([encoded(photo(8, 8), "PNG")] * 130), AsEvaluated(SPEC), progress=reports.append)
    assert [report.done for report in reports] == [64, 128, 130]
    assert reports[-1] == Progress("Decoding images", 130, 130)


@pytest.mark.parametrize("source", ["files", "bytes", "arrays"])
def test_the_cache_gives_the_same_images(source: str, always_kept: Path, tmp_path: Path) -> None:
    """A second run maps the file of the first, with the same pixels and the same list of unreadable images."""
    contents = [encoded(photo(*size), "PNG") for size in SIZES] + [b""]
    images: list[bytes] | list[Path] | np.ndarray = contents
    if source == "files":
        images = [tmp_path / f"{index}.png" for index in range(len(contents))]
        for path, content in zip(images, contents, strict=True):
            path.write_bytes(content)
    elif source == "arrays":
        images = np.random.default_rng(0).integers(256, size=(5, 9, 9, 3), dtype=np.uint8)
    first = _decoded(_examples(images), AsEvaluated(SPEC), cache_dir=always_kept)
    second = _decoded(_examples(images), AsEvaluated(SPEC), cache_dir=always_kept)
    assert len(list((always_kept / "decoded").iterdir())) == 1
    assert isinstance(second.images.block, np.memmap)
    assert not isinstance(first.images.block, np.memmap)
    assert np.array_equal(first.images.array, second.images.array)
    assert second.skipped == first.skipped
    assert np.array_equal(first.kept, second.kept)


def test_a_changed_file_is_decoded_again(always_kept: Path, tmp_path: Path) -> None:
    """Size and time of change are part of the key; so is what is kept of an image."""
    path = tmp_path / "a.png"
    photo().save(path)
    before = _decoded(_examples([path]), AsEvaluated(SPEC), cache_dir=always_kept).images.array.copy()
    photo().transpose(Image.Transpose.ROTATE_180).save(path)
    os.utime(path, ns=(1, 1))
    after = _decoded(_examples([path]), AsEvaluated(SPEC), cache_dir=always_kept).images.array
    assert not np.array_equal(before, after)
    assert _decoded(_examples([path]), AsItIs(3, 99), cache_dir=always_kept).images[0].shape == (48, 64, 3)


@pytest.mark.parametrize("damage", ["cut", "flipped", "header", "empty", "folder"])
def test_a_corrupt_cache_is_rebuilt_silently(damage: str, always_kept: Path) -> None:
    """Whatever happened to the file, the images are right."""
    examples = _examples([encoded(photo(*size), "PNG") for size in SIZES])
    first = _decoded(examples, AsItIs(3, 100), cache_dir=always_kept)
    (path,) = (always_kept / "decoded").iterdir()
    content = path.read_bytes()
    broken = {
        "cut": content[:-100],
        "flipped": content[:-50] + bytes([content[-50] ^ 1]) + content[-49:],
        "header": content[:20] + b"\xff" * 40 + content[60:],
        "empty": b"",
    }
    path.unlink()
    if damage == "folder":
        path.mkdir()
    else:
        path.write_bytes(broken[damage])
    again = _decoded(examples, AsItIs(3, 100), cache_dir=always_kept)
    for index in range(len(SIZES)):
        assert np.array_equal(again.images[index], first.images[index])


def test_writing_into_mapped_images_leaves_the_file_alone(always_kept: Path) -> None:
    """A map is private to the process."""
    examples = _examples([encoded(photo(), "PNG")] * 2)
    _decoded(examples, AsEvaluated(SPEC), cache_dir=always_kept)
    mapped = _decoded(examples, AsEvaluated(SPEC), cache_dir=always_kept).images.array
    before = mapped.copy()
    mapped[:] = 0
    assert np.array_equal(_decoded(examples, AsEvaluated(SPEC), cache_dir=always_kept).images.array, before)


def test_a_cache_that_cannot_be_written_is_no_error(always_kept: Path) -> None:
    """A file in the way of the folder only costs the time to decode again."""
    always_kept.write_text("in the way")
    assert (
        len(_decoded(_examples([encoded(photo(), "PNG")]), AsItIs(3, 100), cache_dir=always_kept).images) == 1
    )


def test_old_files_make_room(always_kept: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Beyond the limit the least recently used file goes first."""
    from imgclf.data.loading import decoded_cache

    monkeypatch.setattr(decoded_cache, "_LARGEST_TOTAL", 20_000)
    names = []
    for age, size in ((300, (40, 60)), (200, (41, 60)), (0, (42, 60))):
        _decoded(_examples([encoded(photo(*size), "PNG")]), AsItIs(3, 100), cache_dir=always_kept)
        (new,) = {path.name for path in (always_kept / "decoded").iterdir()} - set(names)
        names.append(new)
        os.utime(always_kept / "decoded" / new, (1e9 - age, 1e9 - age))
    assert {path.name for path in (always_kept / "decoded").iterdir()} == set(names[1:])


def test_pillow_images_are_not_cached(always_kept: Path) -> None:
    """A source without an identity is decoded each time."""
    _decoded(_examples([photo()]), AsItIs(3, 100), cache_dir=always_kept)
    assert not always_kept.exists()


def test_the_cache_folder_can_be_chosen(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """``IMGCLF_CACHE_DIR`` comes before the platform's own folder."""
    monkeypatch.setenv("IMGCLF_CACHE_DIR", str(tmp_path))
    assert default_cache_dir() == tmp_path
    monkeypatch.delenv("IMGCLF_CACHE_DIR")
    assert re.search("imgclf", str(default_cache_dir()))


def test_a_size_other_than_the_headers_is_damage(monkeypatch: pytest.MonkeyPatch) -> None:
    """An image that decodes to another size than it claimed is left out, not written over its neighbour."""
    monkeypatch.setattr(decoded_module, "read_size", lambda *_, **__: (1, 1))
    with pytest.raises(DataError, match="has another size than its header says"):
        decode(_examples([encoded(photo(), "PNG")]), AsItIs(3, 100))


def test_equal_skips_are_records() -> None:
    """What was left out is a plain record."""
    decoding = _decoded(_examples([b"", encoded(photo(), "PNG")]), AsItIs(3, 100))
    assert decoding.skipped == (UnreadableImage("image 0", "is empty (0 bytes)"),)


def test_the_free_memory_is_kept_too(monkeypatch: pytest.MonkeyPatch) -> None:
    """A container is killed where a split takes more than it allows; the key that decides is named."""
    examples = _examples([encoded(photo(), "PNG")] * 2)
    monkeypatch.setattr(decoded_module, "available_memory", lambda: 1000)
    reports: list[Progress] = []
    assert decode(examples, AsItIs(3, 100), progress=reports.append) is None
    assert reports[-1].phase == "Leaving images on disk"
    assert reports[-1].detail == "0.0 GB are too much for the free memory; see data.memory_budget_gb"
    monkeypatch.setattr(decoded_module, "available_memory", lambda: None)
    assert decode(examples, AsItIs(3, 100)) is not None


def test_memory_that_is_free_and_allowed(tmp_path: Path) -> None:
    """The smaller of the two; "max" is no limit, and a system that tells nothing gives None."""
    meminfo = tmp_path / "meminfo"
    meminfo.write_text("MemTotal: 100 kB\nMemAvailable: 50 kB\n")
    assert available_memory(meminfo, tmp_path / "none") == 50 * 1024
    for name, content in (
        ("memory.max", "9000"),
        ("memory.current", "5000"),
        ("memory.stat", "anon 1\ninactive_file 700\n"),
    ):
        (tmp_path / name).write_text(content)
    assert available_memory(meminfo, tmp_path) == 4700
    (tmp_path / "memory.max").write_text("max")
    assert available_memory(meminfo, tmp_path) == 50 * 1024
    assert available_memory(tmp_path / "none", tmp_path / "none") is None
    assert available_memory() is None or available_memory() > 0
