"""What an exported file may say of where it comes from: enough to know it by, no paths of the machine it left."""

from dataclasses import replace
from pathlib import PurePath
from typing import Any

from imgclf.records import ModelHeader


def public_header(header: ModelHeader) -> ModelHeader:
    """Return the header with its provenance cut down to dataset (by name), metrics, plugin and imgclf's version."""
    provenance = header.provenance
    kept: dict[str, Any] = {}
    dataset = provenance.get("dataset")
    if isinstance(dataset, dict):
        kept["dataset"] = {**dataset, "name": _without_folders(str(dataset.get("name", "")))}
    for name in ("metrics", "model_package"):
        if provenance.get(name):
            kept[name] = provenance[name]
    environment = provenance.get("environment")
    if isinstance(environment, dict) and "imgclf" in environment:
        kept["imgclf"] = environment["imgclf"]
    return replace(header, provenance=kept)


def dataset_name(header: ModelHeader) -> str:
    """Return the name of the dataset that the model was trained on."""
    dataset = public_header(header).provenance.get("dataset", {})
    return str(dataset.get("name") or "not recorded")


def _without_folders(name: str) -> str:
    return name if name.startswith("hf:") else PurePath(name).name
