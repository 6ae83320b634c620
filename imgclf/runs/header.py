"""What a model file says of itself, checked as a whole before anything is done with it.

A header comes with a file from somewhere, and a changed number in it would change every prediction in silence.
"""

import json
import math
from collections.abc import Callable, Mapping
from dataclasses import fields
from typing import Any

from imgclf.records import ModelHeader, Preprocessing

_LARGEST_SIDE = 10_000  # pixels
_TEMPERATURES = (1e-3, 1e4)
_MODES = ("crop", "squash", "pad")
_FILTERS = ("nearest", "bilinear", "bicubic", "lanczos")
_DECODINGS = ("whole", "reduced")

Check = Callable[[Any], bool]


def checked_header(text: str, added: tuple[str, ...] = ()) -> ModelHeader:
    """Return the header that a JSON text holds; the caller has read its format version.

    Args:
        text: JSON, of which :func:`format_version` has made something.
        added: names of values that a format of exported files adds to the header's.

    Raises:
        ValueError: a value is missing, unknown or impossible; the message names it.
    """
    values = {name: value for name, value in json.loads(text).items() if name not in added}
    _check(values, {"format": (lambda value: True, "a number"), **_HEADER}, "")
    _check(values["preprocessing"], _PREPROCESSING, "preprocessing.")
    if len(values["preprocessing"]["mean"]) != len(values["preprocessing"]["std"]):
        raise ValueError("preprocessing.mean and preprocessing.std have different lengths")
    return ModelHeader.from_dict(values)


def format_version(text: str) -> int:
    """Return the format version that a header's JSON text names.

    Raises:
        ValueError: it names none.
    """
    try:
        values = json.loads(text)
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    version = values.get("format") if isinstance(values, dict) else None
    if not _is_whole(version, 1, 1_000_000):
        raise ValueError("it names no format")
    return int(version)  # type: ignore[arg-type]  # a whole number by now


def _check(values: Mapping[str, Any], checks: Mapping[str, tuple[Check, str]], prefix: str) -> None:
    if unknown := sorted(set(values) - set(checks)):
        raise ValueError(f"{prefix}{unknown[0]} is unknown")
    for name, (is_good, expected) in checks.items():
        if name in values and not is_good(values[name]):
            raise ValueError(f"{prefix}{name} is {_shown(values[name])}, expected {expected}")
        if name not in values and name in _REQUIRED:
            raise ValueError(f"{prefix}{name} is missing")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _is_number(value: Any, low: float = -math.inf, high: float = math.inf) -> bool:
    return (
        isinstance(value, int | float)
        and not isinstance(value, bool)
        and math.isfinite(value)
        and low <= value <= high
    )


def _is_whole(value: Any, low: int, high: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and low <= value <= high


def _are_names(value: Any) -> bool:
    return (
        isinstance(value, list)
        and len(value) > 0
        and all(isinstance(name, str) for name in value)
        and len(set(value)) == len(value)
    )


def _is_head(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) <= {"dropout", "hidden"}
        and _is_number(value.get("dropout", 0.0), 0, 1)
        and _is_whole(value.get("hidden", 0), 0, 1_000_000)
    )


def _per_channel(value: Any, low: float, high: float) -> bool:
    return (
        isinstance(value, list) and len(value) in (1, 3) and all(_is_number(one, low, high) for one in value)
    )


_HEADER: Mapping[str, tuple[Check, str]] = {
    "arch": (lambda value: isinstance(value, str) and value != "", "the name of a network"),
    "arch_args": (lambda value: isinstance(value, dict), "a table of arguments"),
    "class_names": (_are_names, "a list of different names"),
    "preprocessing": (lambda value: isinstance(value, dict), "a table"),
    "head": (_is_head, "a table of dropout (0 to 1) and hidden (0 or more)"),
    "temperature": (
        lambda value: _is_number(value, *_TEMPERATURES),
        f"a number from {_TEMPERATURES[0]:g} to {_TEMPERATURES[1]:g}",
    ),
    "threshold": (lambda value: value is None or _is_number(value, 0, 1), "null or a number from 0 to 1"),
    "provenance": (lambda value: isinstance(value, dict), "a table"),
}
_PREPROCESSING: Mapping[str, tuple[Check, str]] = {
    "image_size": (
        lambda value: (
            isinstance(value, list)
            and len(value) == 2
            and all(_is_whole(side, 1, _LARGEST_SIDE) for side in value)
        ),
        f"height and width from 1 to {_LARGEST_SIDE:,}",
    ),
    "mean": (lambda value: _per_channel(value, -10, 10), "one number or three for the channels"),
    "std": (lambda value: _per_channel(value, 1e-6, 10), "one number or three above 0 for the channels"),
    "resize_mode": (lambda value: value in _MODES, f"one of {', '.join(_MODES)}"),
    "crop_fraction": (lambda value: _is_number(value, 1e-3, 1), "a number above 0, up to 1"),
    "interpolation": (lambda value: value in _FILTERS, f"one of {', '.join(_FILTERS)}"),
    "decoding": (lambda value: value in _DECODINGS, f"one of {', '.join(_DECODINGS)}"),
}
_REQUIRED = {"arch", "class_names", "preprocessing", "image_size", "mean", "std"}

# A field that is added to a record is added here, or every model file would be refused.
assert {field.name for field in fields(ModelHeader)} == set(_HEADER)
assert {field.name for field in fields(Preprocessing)} == set(_PREPROCESSING)
