"""What is measured on one image."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from imgclf.data.lookalikes.hashing import perceptual_hash
from imgclf.eda.measuring.measure import FACTS, MIN_SHARPNESS_SIDE, content_hash, measure_images, sharpness
from tests.eda.pictures import photo


def encoded(pixels: np.ndarray, format_name: str = "PNG", **options: object) -> bytes:
    """Bytes of an image file."""
    content = BytesIO()
    Image.fromarray(pixels).save(content, format_name, **options)
    return content.getvalue()


def test_statistics_equal_numpy():
    """Mean, square mean, brightness, entropy and hash are those of the pixels."""
    pixels = photo(0)
    facts = measure_images([pixels], ["x"]).facts[0]
    grey = np.asarray(Image.fromarray(pixels).convert("L"))
    histogram = np.bincount(grey.ravel(), minlength=256) / grey.size
    assert facts["mean"] == pytest.approx(pixels.reshape(-1, 3).mean(axis=0) / 255)
    assert facts["mean_square"] == pytest.approx((pixels.reshape(-1, 3) / 255.0).__pow__(2).mean(axis=0))
    assert facts["brightness"] == pytest.approx(grey.mean() / 255, abs=1e-5)
    assert facts["brightness_p99"] == pytest.approx(np.percentile(grey, 99) / 255, abs=0.01)
    assert facts["entropy"] == pytest.approx(
        -(histogram[histogram > 0] * np.log2(histogram[histogram > 0])).sum(), abs=1e-4
    )
    assert facts["perceptual_hash"] == perceptual_hash(Image.fromarray(pixels))
    assert (facts["width"], facts["height"], facts["mode"], facts["grey"]) == (72, 72, "RGB", False)


def test_stack_of_many_shapes_equals_one_by_one():
    """Measuring images together, of one shape or several, changes no figure."""
    images = [photo(1), photo(2, 80, 60), photo(3), photo(4)[:, :, 0], photo(5, 20, 20)]
    together = measure_images(images, ["x"] * 5).facts
    alone = np.concatenate([measure_images([image], ["x"]).facts for image in images])
    for name in FACTS.names:
        np.testing.assert_array_equal(together[name], alone[name], err_msg=name)


def test_encoded_file_tells_format_mode_and_size(tmp_path: Path):
    """A file, its bytes and its pixels share one pixel hash; the encoded ones know format, mode and size."""
    pixels = photo(0)
    content = encoded(pixels)
    path = tmp_path / "a.png"
    path.write_bytes(content)
    facts = measure_images([path, content, pixels], ["a", "b", "c"]).facts
    assert len(set(facts["pixel_hash"].tolist())) == 1
    assert facts["format"].tolist() == ["PNG", "PNG", ""]
    assert facts["bytes"].tolist() == [len(content), len(content), pixels.size]
    assert facts["file_hash"][0] == facts["file_hash"][1] != 0 == facts["file_hash"][2]


def test_grey_is_told_by_content():
    """A grey picture stored as RGB is grey, whatever its mode."""
    grey = np.repeat(photo(0)[:, :, :1], 3, axis=2)
    facts = measure_images([encoded(grey), encoded(grey[:, :, 0])], ["a", "b"]).facts
    assert facts["mode"].tolist() == ["RGB", "L"]
    assert facts["grey"].tolist() == [True, True]


def test_unreadable_images_are_named_and_leave_zeros():
    """One bad file spoils no other: its row is zero and its reason is kept."""
    measured = measure_images([photo(0), b"no image at all", photo(1)], ["a", "b", "c"])
    assert list(measured.errors) == [1]
    kind, reason = measured.errors[1]
    assert kind == "unsupported"
    assert reason.startswith("is a text file")
    assert measured.facts["width"].tolist() == [72, 0, 72]


def test_missing_file_has_the_readers_reason(tmp_path: Path):
    """A file that is gone is reported by the reader's own words."""
    assert measure_images([tmp_path / "gone.png"], ["gone.png"]).errors == {
        0: ("unreadable", "does not exist")
    }


def test_blur_lowers_sharpness_whatever_the_contrast():
    """A blurred copy is less sharp; a copy with half the contrast is as sharp."""
    grey = Image.fromarray(photo(0, 150, 150)).convert("L")
    sharp = sharpness(np.asarray(grey))
    blurred = sharpness(np.asarray(grey.filter(ImageFilter.GaussianBlur(2))))
    faint = sharpness(np.asarray(grey.point(lambda level: level // 2 + 60)))
    assert blurred < sharp / 3
    assert faint == pytest.approx(sharp, rel=0.15)


def test_small_images_have_no_sharpness():
    """Below 64 pixels there is no fine detail to judge."""
    facts = measure_images([photo(0, MIN_SHARPNESS_SIDE - 1, 90), photo(0, 90, 90)], ["a", "b"]).facts
    assert np.isnan(facts["sharpness"]).tolist() == [True, False]


def test_large_images_are_averaged_for_statistics():
    """A picture above a megapixel keeps its mean, within rounding."""
    pixels = np.tile(photo(0), (17, 17, 1))
    facts = measure_images([pixels], ["x"]).facts[0]
    assert facts["mean"] == pytest.approx(pixels.reshape(-1, 3).mean(axis=0) / 255, abs=0.002)
    assert facts["width"] == pixels.shape[1]


def test_content_hash_sees_shape_and_bytes():
    """Equal content has an equal hash; another shape or byte has another."""
    assert content_hash(b"abc") == content_hash(b"abc") != content_hash(b"abd")
    assert content_hash(np.zeros((2, 3), np.uint8)) != content_hash(np.zeros((3, 2), np.uint8))
