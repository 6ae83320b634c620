"""Large JPEG photographs are decoded at the size that is needed, by every stage alike."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.data import Examples, LoadingOptions, eval_loader, read_image, read_input
from imgclf.data.images.preprocess import decoding_scale, preprocess
from imgclf.records import Preprocessing

SPEC = Preprocessing((64, 64), (0.5,) * 3, (0.5,) * 3, crop_fraction=0.875, decoding="reduced")


@pytest.fixture
def photograph(test_data: Path, tmp_path: Path) -> Path:
    """A real photograph, 1200x900, as a JPEG."""
    source = sorted((test_data / "intel" / "seg_test").rglob("*.jpg"))[0]
    path = tmp_path / "photograph.jpg"
    Image.open(source).resize((1200, 900), Image.Resampling.BICUBIC).save(path, quality=92)
    return path


@pytest.mark.parametrize("resize_mode", ["crop", "squash", "pad"])
def test_reduced_decoding_differs_by_less_than_half_a_grey_level(photograph: Path, resize_mode: str) -> None:
    """In the mean over all pixels, for every way of resizing; it is not the very same image."""
    spec = replace(SPEC, resize_mode=resize_mode)  # type: ignore[arg-type]
    reduced, size = read_input(photograph, spec)
    whole, _ = read_input(photograph, replace(spec, decoding="whole"))
    difference = np.abs(reduced.astype(int) - whole.astype(int))
    assert 0 < difference.mean() < 0.5
    assert size == (900, 1200)


def test_old_model_files_decode_whole(photograph: Path) -> None:
    """A header that says nothing of decoding gives the pixels that it gave when it was written."""
    values = {key: value for key, value in SPEC.to_dict().items() if key != "decoding"}
    old = Preprocessing.from_dict(values)
    assert old.decoding == "whole"
    assert np.array_equal(read_input(photograph, old)[0], preprocess(read_image(photograph), old))


@pytest.mark.parametrize("orientation", [1, 3, 6, 8])
def test_rotated_photographs_are_reduced_by_their_upright_size(photograph: Path, orientation: int) -> None:
    """A telephone held upright stores a lying image: height and width change places before the scale is chosen."""
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = BytesIO()
    Image.open(photograph).crop((0, 0, 1200, 300)).save(content, "JPEG", quality=92, exif=exif)
    reduced, size = read_input(content.getvalue(), SPEC)
    whole, _ = read_input(content.getvalue(), replace(SPEC, decoding="whole"))
    assert size == ((1200, 300) if orientation in (6, 8) else (300, 1200))
    assert np.abs(reduced.astype(int) - whole.astype(int)).mean() < 0.5


def test_small_and_other_images_are_what_they_were(photograph: Path) -> None:
    """Nothing is reduced below twice the size that is needed, and only JPEG can be."""
    small, png = BytesIO(), BytesIO()
    Image.open(photograph).resize((140, 140)).save(small, "JPEG")
    Image.open(photograph).save(png, "PNG")
    for content in (small.getvalue(), png.getvalue()):
        whole, _ = read_input(content, replace(SPEC, decoding="whole"))
        assert np.array_equal(read_input(content, SPEC)[0], whole)


def test_an_image_of_the_caller_is_left_as_it_is(photograph: Path) -> None:
    """An open Pillow image keeps its size; it is the caller's."""
    with Image.open(photograph) as opened:
        read_input(opened, SPEC)
        assert opened.size == (1200, 900)


def test_evaluation_while_training_reads_what_predict_reads(photograph: Path) -> None:
    """The loader's batch and the predictor's pixels are the same, byte for byte."""
    examples = Examples([photograph], np.zeros(1, np.int64), [str(photograph)])
    (batch,) = eval_loader(examples, SPEC, LoadingOptions(batch_size=1, device="cpu")).epoch(0)
    pixels = np.rint((batch.images[0].permute(1, 2, 0).numpy() * 0.5 + 0.5) * 255).astype(np.uint8)
    assert np.array_equal(pixels, read_input(photograph, SPEC)[0])


@pytest.mark.parametrize(
    ("size", "scale"),
    [
        ((3024, 4032), 8),
        ((1168, 1168), 8),
        ((1160, 1160), 4),
        ((584, 2000), 4),
        ((900, 1204), 4),
        ((290, 290), 1),
    ],
)
def test_twice_the_resized_image_is_left(size: tuple[int, int], scale: int) -> None:
    """The whole image is resized before it is cut: 64 pixels at a crop of 0.875 are 73 of the shorter side."""
    assert decoding_scale(size, SPEC) == scale
    assert decoding_scale(size, replace(SPEC, decoding="whole")) == 1


def test_a_side_that_does_not_divide_is_not_stretched_by_more_than_a_thousandth() -> None:
    """Seven rows more in 1,201 would shift the lower edge by a visible part of a pixel; one row does not."""
    assert decoding_scale((1201, 1201), replace(SPEC, image_size=(32, 32))) == 2
    assert decoding_scale((8001, 8001), replace(SPEC, image_size=(32, 32))) == 8
