"""Batched transforms against torchvision's, image by image: exact where nothing is random, in distribution elsewhere."""

import numpy as np
import pytest
import torch
from torchvision.transforms import v2

from imgclf.data.augment.batchable import batched_twin
from imgclf.data.augment.erasing import BatchedErasing


def _images(count: int = 4, height: int = 12, width: int = 16, channels: int = 3) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    return torch.randint(256, (count, height, width, channels), dtype=torch.uint8, generator=generator)


def _smooth(count: int, size: int = 24) -> torch.Tensor:
    rows, columns = np.mgrid[0:size, 0:size]
    image = np.stack(
        [rows * 200 // size + 20, columns * 200 // size + 10, (rows + columns) * 100 // size + 30], axis=-1
    ).astype(np.uint8)
    return torch.from_numpy(image).expand(count, -1, -1, -1).contiguous()


def _ours(transform: v2.Transform, batch: torch.Tensor, seed: int = 0) -> torch.Tensor:
    twin = batched_twin(transform)
    assert twin is not None
    result = twin(batch.clone(), torch.Generator().manual_seed(seed))
    assert result.dtype == torch.uint8
    assert tuple(result.shape[1:3]) == twin.size((batch.shape[1], batch.shape[2]))
    return result


def _theirs(transform: v2.Transform, batch: torch.Tensor) -> torch.Tensor:
    return torch.stack([transform(image.permute(2, 0, 1)).permute(1, 2, 0) for image in batch])


@pytest.mark.parametrize(
    "transform",
    [
        v2.Pad(3, fill=7),
        v2.Pad([1, 2], padding_mode="edge"),
        v2.Pad([1, 2, 3, 4], padding_mode="reflect"),
        v2.Pad(5, padding_mode="symmetric"),
        v2.CenterCrop(8),
        v2.CenterCrop((9, 20)),
        v2.RandomCrop((12, 16)),
        v2.RandomHorizontalFlip(p=1.0),
        v2.RandomVerticalFlip(p=1.0),
        v2.RandomHorizontalFlip(p=0.0),
        v2.RandomGrayscale(p=1.0),
        v2.RandomRotation((30, 30)),
        v2.RandomRotation((90, 90), fill=[1, 2, 3]),
        v2.RandomAffine((20, 20), scale=(0.8, 0.8), shear=(10, 10, 5, 5), fill=9),
        v2.ColorJitter(brightness=(1.3, 1.3)),
        v2.ColorJitter(contrast=(0.7, 0.7)),
        v2.ColorJitter(saturation=(1.5, 1.5)),
        v2.ColorJitter(hue=(0.2, 0.2)),
    ],
    ids=repr,
)
@pytest.mark.parametrize("channels", [1, 3])
def test_without_luck_the_pixels_are_torchvisions(transform: v2.Transform, channels: int) -> None:
    """A transform whose arguments leave nothing to chance gives torchvision's pixels, to within one grey level."""
    if channels == 1 and isinstance(transform, v2.RandomRotation) and isinstance(transform.fill, list):
        pytest.skip("three fill values for one channel")
    batch = _images(channels=channels)
    expected, ours = _theirs(transform, batch).int(), _ours(transform, batch).int()
    assert ours.shape == expected.shape
    off = (ours - expected).abs() > 1
    # A coordinate half-way between two pixels may fall to either.
    assert off.float().mean() < (0.01 if isinstance(transform, v2.RandomRotation | v2.RandomAffine) else 1e-9)


@pytest.mark.parametrize(
    "transform",
    [v2.RandomRotation((30, 30), "bilinear"), v2.RandomAffine((-20, -20), interpolation="bilinear")],
)
def test_bilinear_geometry_is_torchvisions(transform: v2.Transform) -> None:
    """Interpolated rotation agrees to within a grey level or two."""
    batch = _smooth(2)
    assert (_ours(transform, batch).int() - _theirs(transform, batch).int()).abs().max() <= 2


@pytest.mark.parametrize(
    "transform",
    [
        v2.RandomCrop(16, padding=4),
        v2.RandomCrop(14, padding=2, padding_mode="reflect"),
        v2.RandomCrop(30, pad_if_needed=True, padding_mode="edge"),
        v2.RandomHorizontalFlip(p=0.3),
        v2.RandomVerticalFlip(p=0.7),
        v2.RandomErasing(p=0.5, value=0),
        v2.RandomErasing(p=1.0, scale=(0.1, 0.2), ratio=(0.5, 2.0), value=[255, 0, 9]),
        v2.RandomAffine(15, translate=(0.2, 0.1), scale=(0.8, 1.2), shear=10),
        v2.RandomRotation(40),
        v2.ColorJitter(0.4, 0.4, 0.4, 0.1),
        v2.RandomGrayscale(p=0.4),
        v2.GaussianNoise(sigma=0.1),
    ],
    ids=repr,
)
def test_the_distribution_is_torchvisions(transform: v2.Transform) -> None:
    """Over many images, mean and standard deviation at every pixel agree with torchvision's."""
    batch = _smooth(400, size=16)
    torch.manual_seed(0)
    theirs, ours = _theirs(transform, batch).float(), _ours(transform, batch).float()
    assert ours.shape == theirs.shape
    error = torch.maximum(theirs.std(dim=0), ours.std(dim=0)).clamp(min=1) / len(batch) ** 0.5
    # Among 768 pixels the largest deviation is a few standard errors; rounding may add half a grey level.
    assert ((ours.mean(dim=0) - theirs.mean(dim=0)).abs() < 6 * error * 2**0.5 + 0.6).all()
    assert (ours.std(dim=0) - theirs.std(dim=0)).abs().mean() < 4


@pytest.mark.parametrize("transform", [v2.RandomCrop(12, padding=4), v2.RandomCrop((8, 10))])
def test_every_crop_is_a_window_of_the_padded_image(transform: v2.RandomCrop) -> None:
    """A crop is cut out whole, never stitched, and all places occur."""
    batch = _images(1200, 12, 16)
    padded = v2.Pad(transform.padding or 0)(batch.permute(0, 3, 1, 2)).permute(0, 2, 3, 1)
    crops = _ours(transform, batch)
    height, width = transform.size
    windows = padded.unfold(1, height, 1).unfold(2, width, 1).permute(0, 1, 2, 4, 5, 3)
    found = (windows == crops[:, None, None]).flatten(3).all(dim=3)
    assert found.flatten(1).any(dim=1).all()
    assert found.any(dim=0).all()


def test_each_image_of_a_batch_has_luck_of_its_own() -> None:
    """Equal images leave a batched transform different."""
    batch = _images(1).expand(40, -1, -1, -1).contiguous()
    for transform in (
        v2.RandomCrop((12, 16), padding=3),
        v2.RandomErasing(p=1.0),
        v2.ColorJitter(0.5),
        v2.RandomAffine(30),
    ):
        assert len(_ours(transform, batch).unique(dim=0)) > 20


def test_a_seed_repeats_everything() -> None:
    """Equal generators give equal batches, others give others."""
    batch = _images(30)
    for transform in (
        v2.RandomCrop(12, padding=3),
        v2.RandomErasing(),
        v2.ColorJitter(0.5, hue=0.1),
        v2.GaussianNoise(),
    ):
        assert torch.equal(_ours(transform, batch, 5), _ours(transform, batch, 5))
        assert not torch.equal(_ours(transform, batch, 5), _ours(transform, batch, 6))


def test_cutout_is_erasing_of_a_fixed_size() -> None:
    """CutOut 8x8 erases exactly 64 pixels of every image, as one square."""
    batch = torch.full((50, 32, 32, 3), 200, dtype=torch.uint8)
    transform = v2.RandomErasing(p=1.0, scale=(0.0625, 0.0625), ratio=(1.0, 1.0), value=0)
    erased = (_ours(transform, batch) == 0).all(dim=3)
    assert erased.flatten(1).sum(dim=1).unique().tolist() == [64]
    assert erased.any(dim=1).sum(dim=1).unique().tolist() == [8]
    assert erased.any(dim=2).sum(dim=1).unique().tolist() == [8]


def test_erasing_with_noise_fills_with_every_grey_level() -> None:
    """``value = "random"`` is noise, pixel by pixel, inside the rectangle only."""
    batch = torch.zeros((60, 32, 32, 3), dtype=torch.uint8)
    noisy = _ours(v2.RandomErasing(p=1.0, value="random"), batch)
    assert len(noisy.unique()) == 256
    assert (noisy == 0).float().mean() > 0.5


def test_erasing_that_never_fits_leaves_the_image_alone() -> None:
    """Ten tries that are larger than the image erase nothing, as in torchvision."""
    batch = _images()
    erasing = BatchedErasing(1.0, (1.0, 1.0), (1.0, 1.0), (0.0,))
    assert torch.equal(erasing(batch.clone(), torch.Generator()), batch)


@pytest.mark.parametrize(
    "transform",
    [v2.RandAugment(), v2.RandomRotation(5, expand=True), v2.RandomAffine(5, center=[1, 1]), v2.RandomResizedCrop(8),
     v2.RandomAffine(5, interpolation="bicubic"), v2.GaussianNoise(clip=False)],
    ids=repr,
)  # fmt: skip
def test_the_rest_has_no_batched_form(transform: v2.Transform) -> None:
    """What a batch cannot do alike is left to torchvision."""
    assert batched_twin(transform) is None
