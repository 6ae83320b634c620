"""Transforms by name, and what is said of wrong ones."""

import re

import pytest
from torchvision.transforms import v2

from imgclf.data.augment import known_transforms
from imgclf.data.augment.catalog import build_transform
from imgclf.errors import ConfigError
from imgclf.recipes.config import NamedArgs

MEAN = (100.0, 110.0, 120.0)


def _build(**values: object) -> v2.Transform:
    return build_transform(NamedArgs.model_validate(values), MEAN)


def test_every_known_name_is_a_transform() -> None:
    """The list holds torchvision's own and leaves out what cannot stand in a recipe."""
    names = known_transforms()
    assert {"RandomCrop", "RandAugment", "AutoAugment", "TrivialAugmentWide", "GaussianNoise", "Pad"} <= set(
        names
    )
    assert not {"Normalize", "ToDtype", "MixUp", "Lambda", "FiveCrop"} & set(names)


def test_arguments_reach_torchvision() -> None:
    """Lists, interpolation names and policies are understood."""
    crop = _build(name="RandomResizedCrop", size=[20, 30], interpolation="bicubic")
    assert tuple(crop.size) == (20, 30)
    assert crop.interpolation is v2.InterpolationMode.BICUBIC
    assert _build(name="AutoAugment", policy="cifar10").policy is v2.AutoAugmentPolicy.CIFAR10


def test_transforms_nest() -> None:
    """RandomApply and RandomChoice take transforms by name too."""
    nested = _build(name="RandomApply", p=0.3, transforms=[{"name": "ColorJitter", "hue": 0.1}])
    assert isinstance(nested.transforms[0], v2.ColorJitter)
    with pytest.raises(ConfigError, match=r"unknown transform 'ColourJitter'\. Did you mean 'ColorJitter'"):
        _build(name="RandomApply", transforms=[{"name": "ColourJitter"}])


def test_erasing_takes_the_mean_colour_by_default() -> None:
    """Without a value, or with "mean", the rectangle is zero after normalisation."""
    assert _build(name="RandomErasing").value == list(MEAN)
    assert _build(name="RandomErasing", value="mean").value == list(MEAN)
    assert _build(name="RandomErasing", value=0).value == [0.0]
    assert _build(name="RandomErasing", value="random").value is None


@pytest.mark.parametrize(
    ("values", "sentence"),
    [
        (
            {"name": "RandomCorp"},
            "augment.transforms: unknown transform 'RandomCorp'. Did you mean 'RandomCrop'? Known: AugMix, AutoAugment",
        ),
        (
            {"name": "RandomCrop", "size": 32, "pading": 4},
            "augment.transforms: RandomCrop has no argument 'pading'. Did you mean 'padding'? It takes: size, padding,",
        ),
        (
            {"name": "RandomCrop", "size": [1, 2, 3]},
            "augment.transforms: RandomCrop does not take these arguments: Please provide only two dimensions",
        ),
        ({"name": "RandomCrop"}, "augment.transforms: RandomCrop does not take these arguments: "),
        (
            {"name": "RandomResizedCrop", "size": 9, "interpolation": "bilinar"},
            "augment.transforms: RandomResizedCrop does not take these arguments: 'bilinar' is not a valid",
        ),
        (
            {"name": "Normalize", "mean": [0], "std": [1]},
            "augment.transforms: 'Normalize' is not needed: images are converted and normalised after the last "
            "transform, as the [image] section says. Leave it out.",
        ),
        (
            {"name": "MixUp"},
            "augment.transforms: 'MixUp' mixes whole batches and has a setting of its own: augment.mixup=0.2.",
        ),
        (
            {"name": "CutOut"},
            "augment.transforms: 'CutOut' is RandomErasing of a fixed size: {name = \"RandomErasing\", p = 1.0, ",
        ),
    ],
)
def test_a_wrong_transform_is_explained(values: dict[str, object], sentence: str) -> None:
    """Every mistake names the transform, what was given and what to write."""
    with pytest.raises(ConfigError, match="^" + re.escape(sentence)):
        _build(**values)
