"""torchvision's v2 transforms by name, with errors that help."""

import inspect
from collections.abc import Mapping
from typing import Any

from torchvision.transforms import v2

from imgclf.errors import ConfigError, suggest
from imgclf.recipes import NamedArgs
from imgclf.words import first_line

_DONE_BY_US = (
    "Normalize", "ToImage", "ToDtype", "ToTensor", "PILToTensor", "ToPILImage", "ToPureTensor", "ConvertImageDtype", "RGB",
)  # fmt: skip
_NOT_FOR_RECIPES = (
    "ClampBoundingBoxes", "ClampKeyPoints", "Compose", "ConvertBoundingBoxFormat", "FiveCrop", "Lambda",
    "LinearTransformation", "RandomIoUCrop", "SanitizeBoundingBoxes", "SanitizeKeyPoints", "SetClampingMode", "TenCrop",
    "Transform", "UniformTemporalSubsample",
)  # fmt: skip
_MIXING = {"MixUp": "augment.mixup=0.2", "CutMix": "augment.cutmix=1.0"}
_CUTOUT = '{name = "RandomErasing", p = 1.0, scale = [0.0625, 0.0625], ratio = [1.0, 1.0], value = 0} (8x8 pixels of 32x32)'


def known_transforms() -> list[str]:
    """Return the names that ``augment.transforms`` takes, sorted."""
    classes = inspect.getmembers(v2, inspect.isclass)
    names = {name for name, member in classes if issubclass(member, v2.Transform)}
    return sorted(names - {*_DONE_BY_US, *_NOT_FOR_RECIPES, *_MIXING})


def build_transform(item: NamedArgs, mean_colour: tuple[float, ...]) -> v2.Transform:
    """Make a v2 transform.

    Args:
        item: its name and keyword arguments. An ``interpolation`` or ``policy`` is its name as text; the
            ``transforms`` of RandomApply, RandomChoice and RandomOrder are a list of the same kind.
        mean_colour: what RandomErasing puts in where no ``value`` is given, 0..255 per channel.

    Raises:
        ConfigError: the name or an argument is unknown or does not fit.
    """
    _check_name(item.name)
    factory = getattr(v2, item.name)
    arguments = dict(item.args)
    _check_arguments(item.name, factory, arguments)
    if item.name == "RandomErasing" and arguments.get("value", "mean") == "mean":
        arguments["value"] = list(mean_colour)
    try:
        converted = {key: _converted(key, value, mean_colour) for key, value in arguments.items()}
        transform: v2.Transform = factory(**converted)
    except ConfigError:
        raise
    except Exception as error:  # torchvision raises whatever the wrong value runs into
        raise ConfigError(
            f"augment.transforms: {item.name} does not take these arguments: {first_line(error)}."
        ) from None
    return transform


def _check_name(name: str) -> None:
    if name in _DONE_BY_US:
        raise ConfigError(
            f"augment.transforms: '{name}' is not needed: images are converted and normalised after the last transform, "
            f"as the [image] section says. Leave it out."
        )
    if name in _MIXING:
        raise ConfigError(
            f"augment.transforms: '{name}' mixes whole batches and has a setting of its own: {_MIXING[name]}."
        )
    if name.lower() == "cutout":
        raise ConfigError(f"augment.transforms: 'CutOut' is RandomErasing of a fixed size: {_CUTOUT}.")
    if name not in known_transforms():
        raise ConfigError(
            f"augment.transforms: unknown transform '{name}'.{suggest(name, known_transforms())} "
            f"Known: {', '.join(known_transforms())}."
        )


def _check_arguments(name: str, factory: type, arguments: Mapping[str, Any]) -> None:
    known = [key for key in inspect.signature(factory).parameters if key not in ("inplace", "args", "kwargs")]
    for key in arguments:
        if key not in known:
            raise ConfigError(
                f"augment.transforms: {name} has no argument '{key}'.{suggest(key, known)} It takes: {', '.join(known)}."
            )


def _converted(key: str, value: Any, mean_colour: tuple[float, ...]) -> Any:
    """Turn what TOML can say into what torchvision wants."""
    if key == "interpolation" and isinstance(value, str):
        return v2.InterpolationMode(value)
    if key == "policy" and isinstance(value, str):
        return v2.AutoAugmentPolicy(value)
    if key == "transforms":
        return [build_transform(NamedArgs.model_validate(inner), mean_colour) for inner in value]
    return value
