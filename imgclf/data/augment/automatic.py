"""The augmentation that ``augment.transforms = "auto"`` stands for."""

from imgclf.recipes.config import NamedArgs

_SMALL = 64


def automatic_transforms(image_size: tuple[int, int], *, is_grey: bool) -> tuple[NamedArgs, ...]:
    """Return transforms that suit the input size.

    Grey images (digits, clothes, scans) are only shifted by up to an eighth: a mirrored 2 is no 2. Small colour
    images are shifted and mirrored, as is usual on CIFAR (He et al. 2016); larger ones are cut at random scale and
    aspect ratio and mirrored, as is usual on ImageNet (Szegedy et al. 2015).

    Args:
        image_size: (height, width) of the model's input.
        is_grey: whether the images have one channel.
    """
    size = list(image_size)
    shift = NamedArgs.model_validate(
        {"name": "RandomCrop", "size": size, "padding": max(1, min(image_size) // 8)}
    )
    if is_grey:
        return (shift,)
    flip = NamedArgs(name="RandomHorizontalFlip")
    if max(image_size) <= _SMALL:
        return shift, flip
    return NamedArgs.model_validate({"name": "RandomResizedCrop", "size": size}), flip
