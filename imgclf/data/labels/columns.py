"""Find the columns of a manifest or a Parquet shard by the names that people give them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from imgclf.errors import DataError

IMAGE = (
    "path",
    "file",
    "image",
    "filename",
    "file_name",
    "filepath",
    "image_path",
    "img",
    "bytes",
    "image_bytes",
)
LABEL = ("label", "class", "target", "category", "labels", "class_name", "fine_label")
SPLIT = ("split", "subset", "set", "partition")
GROUP = ("group", "group_id", "patient", "patient_id", "subject", "subject_id")


@dataclass(frozen=True)
class Columns:
    """Names of the columns as the file spells them; None where there is none.

    Attributes:
        image: paths or encoded images.
        label: class names or whole numbers.
        split: train, val or test.
        group: what a split must not tear apart.
        class_names: names of the whole-number labels from Hugging Face's metadata, or empty.
    """

    image: str
    label: str
    split: str | None = None
    group: str | None = None
    class_names: tuple[str, ...] = ()


def find_columns(names: Sequence[str], where: str, features: Mapping[str, Any] | None = None) -> Columns:
    """Find the columns by name, in any case; Hugging Face's ``features``, where present, decide first.

    Raises:
        DataError: there is no image or no label column.
    """
    features = features or {}
    image = _of_type(features, "Image", names) or _needed(names, IMAGE, where, "image")
    label = _of_type(features, "ClassLabel", names) or _needed(names, LABEL, where, "label")
    class_names = tuple(features.get(label, {}).get("names") or ())
    return Columns(image, label, _named(names, SPLIT), _named(names, GROUP), class_names)


def huggingface_features(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """Return column -> feature from the ``huggingface`` key of a Parquet schema's metadata; empty if unusable."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _of_type(features: Mapping[str, Any], kind: str, names: Sequence[str]) -> str | None:
    return next(
        (name for name, feature in features.items() if feature.get("_type") == kind and name in names), None
    )


def _needed(names: Sequence[str], known: Sequence[str], where: str, meaning: str) -> str:
    found = _named(names, known)
    if found is None:
        raise DataError(
            f"{where} has no {meaning} column. It has: {', '.join(names) or 'none'}. Call it one of: "
            f"{', '.join(known)}."
        )
    return found


def _named(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_lower = {name.strip().lower(): name for name in names}
    return next((by_lower[word] for word in known if word in by_lower), None)
