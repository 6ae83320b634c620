"""Find the columns of a manifest or a Parquet shard by the names that people give them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from imgclf.data.labels.reading import Wishes
from imgclf.errors import DataError, suggest

IMAGE = (
    "path",
    "file",
    "image",
    "filename",
    "file_name",
    "filepath",
    "file_path",
    "image_path",
    "image_file",
    "img",
    "img_path",
    "bytes",
    "image_bytes",
    "image_name",
    "image_id",
    "id",
)
LABEL = (
    "label",
    "class",
    "target",
    "category",
    "labels",
    "class_name",
    "fine_label",
    "label_name",
    "category_name",
    "choice",
)
_NAMES = ("label_text", "class_name", "label_name", "category_name", "class_label")
SPLIT = ("split", "subset", "set", "partition", "is_valid", "is_test")
GROUP = ("group", "group_id", "patient", "patient_id", "subject", "subject_id")
_LIKE_SPLITS = ("fold", "folds", "kfold", "phase", "purpose", "usage", "data_set", "dataset_split")
_SHOWN = 20

Kind = Literal["text", "image", "number", "other"]
"""What a column holds, where the file says it; ``image`` is encoded images."""


@dataclass(frozen=True)
class Columns:
    """Names of the columns as the file spells them; None where there is none.

    Attributes:
        image: paths or encoded images.
        label: class names or whole numbers.
        split: train, val or test.
        group: what a split must not tear apart.
        class_names: names of the whole-number labels from Hugging Face's metadata, or empty.
        label_names: a column of names beside a label column of numbers.
        unused: columns that look as if they said the split.
    """

    image: str
    label: str
    split: str | None = None
    group: str | None = None
    class_names: tuple[str, ...] = ()
    label_names: str | None = None
    unused: tuple[str, ...] = ()


def find_columns(
    names: Sequence[str],
    where: str,
    features: Mapping[str, Any] | None = None,
    kinds: Mapping[str, Kind] | None = None,
    wishes: Wishes = Wishes(),  # noqa: B008 - frozen
) -> Columns:
    """Find the columns: what a person wishes, then Hugging Face's ``features``, then the usual names in any case.

    Among several columns that would do, one of a usual name wins, and encoded images win over paths.

    Raises:
        DataError: there is no image or no label column, or none of the name that is wished.
    """
    features, kinds = features or {}, kinds or {}
    pictures = [name for name in names if kinds.get(name) == "image"]
    image = (
        _wished(wishes.image_column, names, where)
        or _of_type(features, "Image", names, IMAGE)
        or _named(pictures, IMAGE)
        or _needed(names, names, IMAGE, where, "image")
    )
    others = [name for name in names if name != image]
    label = (
        _wished(wishes.label_column, names, where)
        or _of_type(features, "ClassLabel", others, LABEL)
        or _needed(others, names, LABEL, where, "label")
    )
    split = _optional(wishes.split_column, names, SPLIT, where)
    return Columns(
        image,
        label,
        split,
        _optional(wishes.group_column, names, GROUP, where),
        tuple(features.get(label, {}).get("names") or ()),
        None if wishes.label_column else _named([name for name in others if name != label], _NAMES),
        tuple(name for name in names if name.strip().lower() in (*SPLIT, *_LIKE_SPLITS) and name != split)
        if wishes.split_column is None
        else (),
    )


def huggingface_features(metadata: Mapping[bytes, bytes] | None) -> Mapping[str, Any]:
    """Return column -> feature from the ``huggingface`` key of a Parquet schema's metadata; empty if unusable."""
    try:
        features = json.loads((metadata or {})[b"huggingface"])["info"]["features"]
    except (KeyError, ValueError, TypeError):
        return {}
    if not isinstance(features, dict):
        return {}
    return {name: feature for name, feature in features.items() if isinstance(feature, dict)}


def _of_type(
    features: Mapping[str, Any], kind: str, names: Sequence[str], known: Sequence[str]
) -> str | None:
    of_type = [name for name, feature in features.items() if feature.get("_type") == kind and name in names]
    return _named(of_type, known) or next(iter(of_type), None)


def _wished(name: str | None, names: Sequence[str], where: str) -> str | None:
    if not name:
        return None
    found = _named(names, [name.strip().lower()])
    if found is None:
        raise DataError(f"{where} has no column '{name}'.{suggest(name, names)} It has: {_listed(names)}.")
    return found


def _optional(wish: str | None, names: Sequence[str], known: Sequence[str], where: str) -> str | None:
    if wish == "":
        return None
    return _wished(wish, names, where) or _named(names, known)


def _needed(
    names: Sequence[str], every: Sequence[str], known: Sequence[str], where: str, meaning: str
) -> str:
    found = _named(names, known)
    if found is None:
        raise DataError(
            f"{where} has no {meaning} column. It has: {_listed(every)}. Name one with --{meaning}-column, or call it "
            f"one of: {', '.join(known)}."
        )
    return found


def _named(names: Sequence[str], known: Sequence[str]) -> str | None:
    by_lower = {name.strip().lower(): name for name in reversed(names)}
    return next((by_lower[word] for word in known if word in by_lower), None)


def _listed(names: Sequence[str]) -> str:
    more = f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else ""
    return (", ".join(names[:_SHOWN]) or "none") + more
