"""Crops of images of differing size, against torchvision's."""

import numpy as np
import torch
from PIL import Image
from torchvision.transforms import v2
from torchvision.transforms.v2 import functional as F

from imgclf.data.augment.crops import PlainCrop, ResizedCrop, cut
from tests.bad_files import photo


def test_resized_crops_are_drawn_as_torchvision_draws_them() -> None:
    """Places and sizes of many crops agree in mean and spread."""
    sizes = np.tile([[60, 90]], (20_000, 1))
    ours = ResizedCrop((32, 32)).draw(sizes, np.random.default_rng(0)).astype(float)
    torch.manual_seed(0)
    transform, image = v2.RandomResizedCrop(32), torch.zeros(3, 60, 90)
    drawn = [transform.make_params([image]) for _ in range(4_000)]
    theirs = np.array([[d["top"], d["left"], d["height"], d["width"]] for d in drawn], dtype=float)
    error = theirs.std(axis=0) / len(theirs) ** 0.5
    assert (np.abs(ours.mean(axis=0) - theirs.mean(axis=0)) < 5 * error).all()
    assert (np.abs(ours.std(axis=0) / theirs.std(axis=0) - 1) < 0.05).all()


def test_resized_crops_stay_inside() -> None:
    """Any image, even a thread of pixels, gives a box inside it."""
    sizes = np.array([[1, 1], [1, 500], [500, 1], [2, 3], [300, 200]] * 50)
    for crop in (ResizedCrop((8, 8)), PlainCrop((40, 40)), PlainCrop((4, 4), centred=True)):
        top, left, height, width = crop.draw(sizes, np.random.default_rng(1)).T
        assert (height >= 1).all()
        assert (width >= 1).all()
        assert (top >= 0).all()
        assert (left >= 0).all()
        assert (top + height <= sizes[:, 0]).all()
        assert (left + width <= sizes[:, 1]).all()


def test_a_cut_is_torchvisions_resized_crop_of_a_pillow_image() -> None:
    """Cutting and resizing give Pillow's pixels exactly."""
    pixels = np.asarray(photo())
    box = np.array([5, 7, 30, 41])
    expected = F.resized_crop(photo(), 5, 7, 30, 41, [24, 20], interpolation=v2.InterpolationMode.BICUBIC)
    assert np.array_equal(
        cut(pixels, box, ResizedCrop((24, 20), interpolation="bicubic")), np.asarray(expected)
    )
    grey = np.asarray(photo().convert("L"))[:, :, None]
    expected = F.resized_crop(
        photo().convert("L"), 5, 7, 30, 41, [24, 20], interpolation=Image.Resampling.BILINEAR
    )
    assert np.array_equal(cut(grey, box, ResizedCrop((24, 20)))[:, :, 0], np.asarray(expected))


def test_a_crop_of_the_right_size_is_a_view() -> None:
    """Nothing is resampled where nothing has to be."""
    pixels = np.asarray(photo())
    assert np.array_equal(cut(pixels, np.array([1, 2, 8, 9]), PlainCrop((8, 9))), pixels[1:9, 2:11])


def test_a_centred_crop_is_in_the_centre() -> None:
    """A CenterCrop takes the middle and leaves nothing to chance."""
    boxes = PlainCrop((10, 10), centred=True).draw(np.array([[20, 30], [6, 40]]), np.random.default_rng(0))
    assert boxes.tolist() == [[5, 10, 10, 10], [0, 15, 6, 10]]
