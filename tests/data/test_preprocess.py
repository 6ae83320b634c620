"""The one geometry of evaluation: sizes, crops, padding, normalisation and the way back."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from PIL import Image
from torchvision.transforms import v2

from imgclf.data import normalize, normalize_on_device, preprocess
from imgclf.data.images.preprocess import original_box
from imgclf.errors import ConfigError
from imgclf.records import Preprocessing
from tests.bad_files import photo

MEAN, STD = (0.5, 0.4, 0.3), (0.2, 0.25, 0.3)


def _spec(**changes: object) -> Preprocessing:
    values = {"image_size": (24, 24), "mean": MEAN, "std": STD, **changes}
    return Preprocessing(**values)  # type: ignore[arg-type]


@pytest.mark.parametrize("size", [(48, 64), (64, 48), (24, 24), (301, 200), (10, 13)])
@pytest.mark.parametrize("fraction", [1.0, 0.875, 0.95])
@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_crop_is_torchvisions_resize_and_centre_crop(
    size: tuple[int, int], fraction: float, interpolation: str
) -> None:
    """One Pillow call gives what Resize and CenterCrop give together, to within one grey level."""
    image = photo(*size)
    spec = _spec(crop_fraction=fraction, interpolation=interpolation)
    resize = v2.Resize(int(24 / fraction), interpolation=v2.InterpolationMode(interpolation))
    expected = np.asarray(v2.CenterCrop(24)(resize(image)), dtype=int)
    assert np.abs(preprocess(image, spec) - expected).max() <= 1


def test_squash_uses_the_whole_image() -> None:
    """Squash is a plain resize of both sides."""
    expected = np.asarray(photo().resize((20, 30), Image.Resampling.BILINEAR))
    assert np.array_equal(preprocess(photo(), _spec(image_size=(30, 20), resize_mode="squash")), expected)


def test_pad_shows_the_whole_image_on_grey() -> None:
    """A wide image gets grey bars above and below."""
    white = Image.new("RGB", (64, 32), "white")
    pixels = preprocess(white, _spec(resize_mode="pad"))
    assert pixels.shape == (24, 24, 3)
    assert np.unique(pixels[:6]).tolist() == [128]
    assert np.unique(pixels[6:18]).tolist() == [255]
    assert np.unique(pixels[18:]).tolist() == [128]


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
@pytest.mark.parametrize("size", [(1, 1), (20_000, 1), (1, 20_000)])
def test_extreme_shapes_cost_little(mode: str, size: tuple[int, int]) -> None:
    """A thread of pixels becomes an input without a gigantic image in between."""
    image = Image.new("L", (size[1], size[0]), 7)
    assert preprocess(image, _spec(resize_mode=mode, mean=(0.5,), std=(0.2,))).shape == (24, 24, 1)


def test_channels_follow_the_spec() -> None:
    """Grey becomes three equal channels, and colour becomes one."""
    grey = photo().convert("L")
    assert np.ptp(preprocess(grey, _spec()), axis=-1).max() == 0
    assert np.array_equal(
        preprocess(photo(), _spec(mean=(0.5,), std=(0.2,))), preprocess(grey, _spec(mean=(0.5,), std=(0.2,)))
    )


def test_an_image_of_the_right_size_is_left_alone() -> None:
    """Nothing is resampled when nothing has to be."""
    assert np.array_equal(preprocess(photo(), _spec(image_size=(48, 64))), np.asarray(photo()))


def test_an_unknown_interpolation_suggests_the_nearest() -> None:
    """A mistyped filter is an error that helps."""
    sentence = r"^Unknown interpolation 'bicubik'. Did you mean 'bicubic'\? Known: nearest, bilinear, bicubic, lanczos\.$"
    with pytest.raises(ConfigError, match=sentence):
        preprocess(photo(), _spec(interpolation="bicubik"))


def test_both_normalisations_agree_with_torchvision() -> None:
    """NumPy's and torch's normalisation are ToDtype and Normalize, and torch's is channels_last."""
    batch = np.stack([preprocess(photo(), _spec()), preprocess(photo(24, 24), _spec())])
    tensor = torch.from_numpy(batch)
    expected = v2.Normalize(MEAN, STD)(v2.ToDtype(torch.float32, scale=True)(tensor.permute(0, 3, 1, 2)))
    on_device = normalize_on_device(tensor, _spec())
    assert on_device.is_contiguous(memory_format=torch.channels_last)
    torch.testing.assert_close(on_device, expected, rtol=0, atol=1e-5)
    np.testing.assert_allclose(normalize(batch, _spec()), expected, rtol=0, atol=1e-5)


def test_one_channel_is_normalised() -> None:
    """Grey batches keep one channel."""
    spec = _spec(mean=(0.5,), std=(0.25,))
    batch = np.full((2, 24, 24, 1), 255, np.uint8)
    assert normalize(batch, spec).shape == (2, 1, 24, 24)
    assert normalize_on_device(torch.from_numpy(batch), spec).unique().tolist() == pytest.approx([2.0])


@pytest.mark.parametrize("mode", ["crop", "squash", "pad"])
@pytest.mark.parametrize("size", [(48, 64), (90, 50)])
def test_a_map_of_the_input_finds_its_way_back(mode: str, size: tuple[int, int]) -> None:
    """The input's own brightness, laid back, is the original's brightness wherever the input shows it."""
    image = photo(*size).convert("L")
    spec = _spec(image_size=(40, 32), resize_mode=mode, crop_fraction=0.9, mean=(0.5,), std=(0.2,))
    box = original_box(size, spec)
    back = box.to_original(preprocess(image, spec)[:, :, 0].astype(np.float32), fill=-1.0)
    assert back.shape == size
    seen = back >= 0
    assert np.abs(back - np.asarray(image, dtype=float))[seen].mean() < 6
    assert (mode == "crop") == (not seen.all())


def test_a_coarse_map_covers_the_box() -> None:
    """A 7x7 map is stretched over the whole box."""
    box = original_box((48, 64), _spec())
    assert box.box == (8.0, 0.0, 56.0, 48.0)
    back = box.to_original(np.ones((7, 7)))
    assert back[:, 8:56].min() == 1.0
    assert back[:, :8].max() == 0.0


def test_preprocessing_needs_no_torch() -> None:
    """Reading, preprocessing and normalising leave torch alone, as the ONNX road needs."""
    code = "import sys, imgclf.data; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
