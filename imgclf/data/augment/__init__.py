"""Augmentation: torchvision's v2 transforms, run on whole batches where they have a batched twin."""

from imgclf.data.augment.catalog import known_transforms
from imgclf.data.augment.plan import AugmentPlan, plan_augmentation

__all__ = ["AugmentPlan", "known_transforms", "plan_augmentation"]
