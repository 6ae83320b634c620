"""Features kept in a folder, and taken from there again when model, data and split are still the same.

embeddings.npy   float32 (N, D)
index.csv        file, label, prediction and confidence of each row
sprite.jpg       a thumbnail of each
features.json    what made them; written last, so that a folder that has it is whole
"""

import csv
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.atomic import write_atomically, write_text
from imgclf.data import AsEvaluated, Examples, cache_key
from imgclf.embed.exports import write_index
from imgclf.embed.extraction import Extraction
from imgclf.embed.sprite import Sprite
from imgclf.records import Preprocessing, UnreadableImage

_RECORD = "features.json"
_FORMAT = 1


def origin(
    model: str, dataset: str, split: str, examples: Examples, preprocessing: Preprocessing
) -> dict[str, Any]:
    """Return what decides features: equal origins give equal features.

    Args:
        model: the model file's fingerprint, or another name that no other weights have.
        dataset: its name.
        split: the split's name.
        examples: the images that are embedded.
        preprocessing: how they become the input.
    """
    digest = hashlib.sha256(str(cache_key(examples.images, AsEvaluated(preprocessing))).encode())
    for file, label in zip(examples.files, examples.labels, strict=True):
        digest.update(f"{file}\0{label}\0".encode("utf-8", "surrogatepass"))
    return {
        "format": _FORMAT,
        "model": model,
        "dataset": dataset,
        "split": split,
        "images": len(examples),
        "fingerprint": digest.hexdigest()[:16],
        "preprocessing": preprocessing.to_dict(),
    }


def save_features(
    folder: Path, extraction: Extraction, class_names: Sequence[str], made_by: Mapping[str, Any]
) -> list[Path]:
    """Write the features and what made them; return the files a person may want."""
    (folder / _RECORD).unlink(missing_ok=True)
    path = folder / "embeddings.npy"
    write_atomically(path, lambda file: np.save(file, extraction.embeddings))
    write_atomically(folder / "sprite.jpg", lambda file: file.write(extraction.sprite.jpeg))
    index = write_index(folder / "index.csv", extraction, class_names)
    record = {
        "made_by": dict(made_by),
        "skipped": [asdict(image) for image in extraction.skipped],
        "sprite": {"columns": extraction.sprite.columns, "size": extraction.sprite.size},
    }
    write_text(folder / _RECORD, json.dumps(record, indent=2) + "\n")
    return [path, index]


def load_features(
    folder: Path, examples: Examples, class_names: Sequence[str], made_by: Mapping[str, Any]
) -> Extraction | None:
    """Return the features in a folder, or None where there are none, or others, or damaged ones."""
    try:
        record = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        if record["made_by"] != json.loads(json.dumps(made_by)):
            return None
        embeddings = np.load(folder / "embeddings.npy", allow_pickle=False)
        with (folder / "index.csv").open(newline="", encoding="utf-8") as file:
            rows = list(csv.DictReader(file))
        places = {name: at for at, name in enumerate(examples.files)}
        chosen = [places[row["file"]] for row in rows]
        trained = bool(rows[0]["prediction"])
        numbers = {name: number for number, name in enumerate(class_names)}
        predictions = np.array([numbers[row["prediction"]] for row in rows]) if trained else None
        confidences = np.array([row["confidence"] for row in rows], np.float32) if trained else None
        height, width = record["sprite"]["size"]
        sprite = Sprite((folder / "sprite.jpg").read_bytes(), record["sprite"]["columns"], (height, width))
        skipped = tuple(UnreadableImage(**image) for image in record["skipped"])
    except (OSError, ValueError, KeyError, IndexError, TypeError):
        return None
    if len(embeddings) != len(rows):
        return None
    return Extraction(embeddings, examples.select(chosen), predictions, confidences, sprite, skipped)
