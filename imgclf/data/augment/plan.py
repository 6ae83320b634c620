"""From the recipe's list of transforms to the work at decoding, per image, and per batch.

    decode once (`prepare`)  ->  per image (`crop` or `per_image`)  ->  per batch on the device (`batched`)

The rule, in words: if the first transform that changes the size chooses it from the whole image
(RandomResizedCrop, Resize, ...), images are kept as they are; otherwise each is first brought to the input size the
way evaluation does it, so that ``RandomCrop(32, padding=4)`` means the same for 32x32 files and for photographs. A
``Resize`` in front is done once, at decoding. As many transforms as possible, counted from the end, run on whole
batches; only what is left runs image by image.
"""

from dataclasses import dataclass
from typing import Any

from torchvision.transforms import v2

from imgclf.data.augment.batchable import batched_twin
from imgclf.data.augment.batched import BatchedTransform
from imgclf.data.augment.catalog import build_transform
from imgclf.data.augment.crop import BatchedRandomCrop
from imgclf.data.augment.crops import Crop, PlainCrop, ResizedCrop
from imgclf.data.images.preparation import AsEvaluated, AsItIs, FirstResized, Preparation
from imgclf.errors import ConfigError
from imgclf.recipes import AugmentConfig, NamedArgs, auto
from imgclf.records import Preprocessing

Size = tuple[int, int]

_CHOOSES_SIZE = (v2.RandomResizedCrop, v2.Resize, v2.RandomResize, v2.RandomShortestSize, v2.ScaleJitter)
_CHANGES_SIZE = (*_CHOOSES_SIZE, v2.RandomCrop, v2.CenterCrop, v2.Pad, v2.RandomZoomOut)
_KEPT_PER_INPUT = 2  # originals are kept at up to this many times the input size
_ABSURD = 4  # times that the last size may differ from the input's


@dataclass(frozen=True)
class AugmentPlan:
    """What is done where.

    Attributes:
        prepare: what is kept of each image at decoding.
        crop: a crop for each image, drawn per batch and cut in threads.
        per_image: v2 transforms for uint8 (C, H, W) image tensors, run in worker processes.
        batched: transforms for uint8 (N, H, W, C) batches on the device.
    """

    prepare: Preparation
    crop: Crop | None
    per_image: tuple[v2.Transform, ...]
    batched: tuple[BatchedTransform, ...]

    @property
    def is_batched(self) -> bool:
        """Whether nothing is done image by image and all images have one size."""
        return self.crop is None and not self.per_image and self.prepare.fixed_size() is not None

    @property
    def last_size(self) -> Size | None:
        """The (height, width) that training sees, or None where it differs from image to image."""
        before = self.prepare.fixed_size()
        size = self.crop.to if self.crop else _size_after(list(self.per_image), before)
        for transform in self.batched:
            size = None if size is None else transform.size(size)
        return size


def plan_augmentation(augment: AugmentConfig, spec: Preprocessing, *, is_grey: bool = False) -> AugmentPlan:
    """Lay out the augmentation of a recipe.

    Args:
        augment: the recipe's section; mixing inside the batch is the trainer's.
        spec: the model's preprocessing.
        is_grey: whether the images are known to have one channel (for ``auto``).

    Raises:
        ConfigError: a transform is unknown, its arguments do not fit, or the result has nothing of the input size.
    """
    items = augment.transforms
    if items == "auto":
        chosen = auto.transforms(spec.image_size, is_grey=is_grey)
        items = tuple(NamedArgs.model_validate(item) for item in chosen)
    mean_colour = tuple(255 * value for value in spec.mean)
    transforms = [build_transform(item, mean_colour) for item in items]
    prepare, transforms = _preparation(transforms, spec)
    first_batched = _first_batched(transforms, prepare.fixed_size())
    per_image, batched = tuple(transforms[:first_batched]), _twins(transforms[first_batched:])
    size = _size_after(transforms[:first_batched], prepare.fixed_size())
    for transform in batched:
        _check_crop(transform, size)
        size = None if size is None else transform.size(size)
    crop = _as_crop(per_image, prepare)
    plan = AugmentPlan(prepare, crop, () if crop else per_image, batched)
    _check_last_size(plan.last_size, spec)
    return plan


def _preparation(
    transforms: list[v2.Transform], spec: Preprocessing
) -> tuple[Preparation, list[v2.Transform]]:
    """Choose what is kept of each image, and drop a Resize in front that this does already."""
    first = next((transform for transform in transforms if _changes_size(transform)), None)
    if not isinstance(first, _CHOOSES_SIZE):
        return AsEvaluated(spec), transforms
    if first is transforms[0] and isinstance(first, v2.Resize) and (folded := _folded(first, spec)):
        return folded, transforms[1:]
    return AsItIs(spec.channels, _KEPT_PER_INPUT * max(spec.image_size)), transforms


def _changes_size(transform: Any) -> bool:
    return isinstance(transform, _CHANGES_SIZE) or bool(getattr(transform, "expand", False))


def _folded(resize: Any, spec: Preprocessing) -> Preparation | None:
    """Return a Resize as a preparation, or None where it has arguments that a preparation has not."""
    if resize.max_size is not None or resize.size is None:
        return None
    size = [resize.size] if isinstance(resize.size, int) else list(resize.size)
    to: Size | int = size[0] if len(size) == 1 else (size[0], size[1])
    return FirstResized(spec.channels, to, _filter_name(resize.interpolation))


def _first_batched(transforms: list[v2.Transform], size: Size | None) -> int:
    """Return the index from which on everything has a batched twin and the size is known."""
    first = len(transforms)
    for index in range(len(transforms) - 1, -1, -1):
        if batched_twin(transforms[index]) is None:
            break
        first = index
    while first < len(transforms) and _size_after(transforms[:first], size) is None:
        first += 1
    return first


def _size_after(transforms: list[v2.Transform], size: Size | None) -> Size | None:
    """Return the size after some transforms where it is the same for every image."""
    for transform in transforms:
        size = _one_size_after(transform, size)
    return size


def _one_size_after(transform: Any, size: Size | None) -> Size | None:
    if isinstance(transform, v2.RandomResizedCrop | v2.RandomCrop | v2.CenterCrop):
        return int(transform.size[0]), int(transform.size[1])
    if isinstance(transform, v2.Resize) and transform.size is not None and len(transform.size) == 2:
        return int(transform.size[0]), int(transform.size[1])
    if isinstance(transform, v2.Pad):
        twin = batched_twin(transform)
        return twin.size(size) if twin is not None and size is not None else None
    return None if _changes_size(transform) else size


def _twins(transforms: list[v2.Transform]) -> tuple[BatchedTransform, ...]:
    return tuple(twin for transform in transforms if (twin := batched_twin(transform)) is not None)


def _as_crop(per_image: tuple[Any, ...], prepare: Preparation) -> Crop | None:
    """Return per-image work that is a single crop as a crop of ours, which needs no worker processes."""
    if len(per_image) != 1:
        return None
    only = per_image[0]
    if isinstance(only, v2.RandomResizedCrop):
        size = (int(only.size[0]), int(only.size[1]))
        return ResizedCrop(size, tuple(only.scale), tuple(only.ratio), _filter_name(only.interpolation))
    if isinstance(only, v2.CenterCrop):
        return PlainCrop((int(only.size[0]), int(only.size[1])), centred=True)
    if isinstance(only, v2.RandomCrop) and not only.padding and not only.pad_if_needed:
        return PlainCrop((int(only.size[0]), int(only.size[1])))
    return None


def _filter_name(interpolation: Any) -> str:
    name: str = v2.InterpolationMode(interpolation).value
    return name.replace("-exact", "")


def _check_crop(transform: BatchedTransform, size: Size | None) -> None:
    if not isinstance(transform, BatchedRandomCrop) or transform.pad_if_needed or size is None:
        return
    height, width = transform.pad.size(size)
    if height < transform.to[0] or width < transform.to[1]:
        raise ConfigError(
            f"augment.transforms: RandomCrop of {transform.to[0]}x{transform.to[1]} pixels meets images of "
            f"{height}x{width}. Add padding, pad_if_needed = true or a Resize before it."
        )


def _check_last_size(size: Size | None, spec: Preprocessing) -> None:
    if size is None:
        return
    for last, wanted in zip(size, spec.image_size, strict=True):
        if last * _ABSURD < wanted or wanted * _ABSURD < last:
            raise ConfigError(
                f"augment.transforms: the last size is {size[0]}x{size[1]} pixels, the model takes "
                f"{spec.image_size[0]}x{spec.image_size[1]}. Let the last crop or resize give the model's size."
            )
