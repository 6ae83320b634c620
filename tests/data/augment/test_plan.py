"""What is done at decoding, per image and per batch."""

import re
from typing import Any

import pytest

from imgclf.data.augment import AugmentPlan, plan_augmentation
from imgclf.data.augment.crops import PlainCrop, ResizedCrop
from imgclf.data.images.preparation import AsEvaluated, AsItIs, FirstResized
from imgclf.errors import ConfigError
from imgclf.recipes.config import AugmentConfig
from imgclf.records import Preprocessing

FLIP = {"name": "RandomHorizontalFlip"}


def _spec(size: int = 32, channels: int = 3) -> Preprocessing:
    return Preprocessing((size, size), (0.5,) * channels, (0.25,) * channels)


def _plan(*transforms: dict[str, Any], size: int = 32) -> AugmentPlan:
    return plan_augmentation(AugmentConfig.model_validate({"transforms": transforms}), _spec(size))


def _names(plan: AugmentPlan) -> tuple[list[str], list[str]]:
    return [type(t).__name__ for t in plan.per_image], [type(t).__name__ for t in plan.batched]


def test_no_transform_is_the_view_of_evaluation() -> None:
    """An empty list trains on what evaluation sees."""
    plan = _plan()
    assert plan == AugmentPlan(AsEvaluated(_spec()), None, (), ())
    assert plan.is_batched


def test_pad_and_crop_starts_from_the_input_size() -> None:
    """The CIFAR recipe does nothing image by image."""
    plan = _plan({"name": "RandomCrop", "size": 32, "padding": 4}, FLIP, {"name": "RandomErasing"})
    assert isinstance(plan.prepare, AsEvaluated)
    assert _names(plan) == ([], ["BatchedRandomCrop", "BatchedFlip", "BatchedErasing"])
    assert plan.is_batched


def test_a_resized_crop_needs_the_whole_image_and_no_workers() -> None:
    """The ImageNet recipe cuts from the original, kept at no more than twice the input size."""
    plan = _plan({"name": "RandomResizedCrop", "size": 32, "scale": [0.2, 1.0]}, FLIP)
    assert plan.prepare == AsItIs(3, 64)
    assert plan.crop == ResizedCrop((32, 32), (0.2, 1.0))
    assert _names(plan) == ([], ["BatchedFlip"])
    assert not plan.is_batched


def test_a_resize_in_front_is_done_once() -> None:
    """Resize then crop: the resize happens at decoding."""
    plan = _plan(
        {"name": "Resize", "size": 40, "interpolation": "bicubic"}, {"name": "RandomCrop", "size": 32}, FLIP
    )
    assert plan.prepare == FirstResized(3, 40, "bicubic")
    assert plan.crop == PlainCrop((32, 32))
    assert _names(plan) == ([], ["BatchedFlip"])
    plan = _plan({"name": "Resize", "size": [40, 40]}, {"name": "RandomCrop", "size": 32})
    assert plan.is_batched
    plan = _plan({"name": "Resize", "size": 40}, {"name": "CenterCrop", "size": 32}, FLIP)
    assert plan.crop == PlainCrop((32, 32), centred=True)
    assert not _plan({"name": "Resize", "size": 32}).is_batched


def test_nearest_fill_is_an_edge_border() -> None:
    """Shift, shear, zoom and rotation with nearest fill run on whole batches."""
    plan = _plan(
        {"name": "Pad", "padding": 8, "padding_mode": "edge"},
        {"name": "RandomAffine", "degrees": 20, "translate": [0.2, 0.2], "scale": [0.8, 1.2], "shear": 11},
        {"name": "CenterCrop", "size": 32},
        FLIP,
    )
    assert _names(plan) == ([], ["BatchedPad", "BatchedAffine", "BatchedCenterCrop", "BatchedFlip"])


def test_what_has_no_batched_form_goes_first_and_the_rest_stays_batched() -> None:
    """Only the front of the list, up to the last transform without a twin, is done image by image."""
    plan = _plan({"name": "RandomCrop", "size": 32, "padding": 4}, {"name": "RandAugment"}, FLIP)
    assert _names(plan) == (["RandomCrop", "RandAugment"], ["BatchedFlip"])
    plan = _plan(FLIP, {"name": "RandomResizedCrop", "size": 32})
    assert _names(plan) == (["RandomHorizontalFlip", "RandomResizedCrop"], [])
    plan = _plan({"name": "RandomRotation", "degrees": 5, "expand": True}, FLIP)
    assert _names(plan) == (["RandomRotation", "RandomHorizontalFlip"], [])


@pytest.mark.parametrize(
    ("size", "is_grey", "names"),
    [
        (32, False, ["RandomCrop", "RandomHorizontalFlip"]),
        (224, False, ["RandomResizedCrop", "RandomHorizontalFlip"]),
        (32, True, ["RandomCrop"]),
        (224, True, ["RandomCrop"]),
    ],
)
def test_auto_suits_size_and_colour(size: int, is_grey: bool, names: list[str]) -> None:
    """Digits are never mirrored; photographs are cut at random scale."""
    from imgclf.recipes import auto

    assert [item["name"] for item in auto.transforms((size, size), is_grey=is_grey)] == names
    plan = plan_augmentation(AugmentConfig(), _spec(size), is_grey=is_grey)
    assert len(plan.batched) + (plan.crop is not None) == len(names)


@pytest.mark.parametrize(
    ("transforms", "size"),
    [
        ([], (32, 32)),
        ([{"name": "RandomCrop", "size": 24}, FLIP], (24, 24)),
        ([{"name": "RandomResizedCrop", "size": [24, 40]}, FLIP], (24, 40)),
        ([{"name": "Resize", "size": 40}], None),
        ([FLIP, {"name": "Pad", "padding": 2}], (36, 36)),
    ],
)
def test_the_last_size_is_known(transforms: list[dict[str, Any]], size: tuple[int, int] | None) -> None:
    """What training sees is known beforehand, unless it differs from image to image."""
    assert _plan(*transforms).last_size == size


@pytest.mark.parametrize(
    ("transforms", "sentence"),
    [
        (
            [{"name": "CenterCrop", "size": 4}],
            "augment.transforms: the last size is 4x4 pixels, the model takes 32x32. Let the last crop or resize give "
            "the model's size.",
        ),
        (
            [{"name": "RandomCrop", "size": 40}],
            "augment.transforms: RandomCrop of 40x40 pixels meets images of 32x32. Add padding, pad_if_needed = true or "
            "a Resize before it.",
        ),
    ],
)
def test_sizes_that_cannot_fit_are_refused(transforms: list[dict[str, Any]], sentence: str) -> None:
    """A plan that could only fail later fails at once."""
    with pytest.raises(ConfigError, match="^" + re.escape(sentence) + "$"):
        _plan(*transforms)
