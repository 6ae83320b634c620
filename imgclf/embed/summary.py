"""What the figures come to: a plain sentence, and a record for JSON."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from imgclf.embed.extraction import Extraction
from imgclf.embed.geometry import Geometry
from imgclf.embed.maps import Map, map_record

_ALIKE = 0.03  # accuracies closer than this are called the same


def describe(
    knn_accuracy: float, head_accuracy: float | None, overlaps: Sequence[tuple[str, str, float]]
) -> str:
    """Say in a sentence or two whether the head agrees with the geometry, and what overlaps most."""
    if np.isnan(knn_accuracy):
        first = "No class has two images, so neighbours say nothing about the classes."
    elif head_accuracy is None:
        first = f"The nearest neighbours in feature space share an image's label for {knn_accuracy:.1%} of the images."
    elif abs(head_accuracy - knn_accuracy) < _ALIKE:
        first = f"The head's accuracy ({head_accuracy:.1%}) agrees with the geometry ({knn_accuracy:.1%} by neighbours)."
    elif head_accuracy > knn_accuracy:
        first = (
            f"The head ({head_accuracy:.1%}) does better than the neighbours ({knn_accuracy:.1%}): the classes are "
            f"separated, but not in compact groups."
        )
    else:
        first = (
            f"The neighbours ({knn_accuracy:.1%}) do better than the head ({head_accuracy:.1%}): the features separate "
            f"more than the head makes of them."
        )
    if not overlaps:
        return first
    one, other, share = overlaps[0]
    return f"{first} The closest pair: {share:.0%} of the neighbours of '{one}' are '{other}'."


def named_overlaps(geometry: Geometry, class_names: Sequence[str]) -> tuple[tuple[str, str, float], ...]:
    """Return the overlapping pairs with their class names."""
    return tuple((class_names[one], class_names[other], share) for one, other, share in geometry.overlaps)


def metrics_record(
    features: str,
    title: str,
    extraction: Extraction,
    geometry: Geometry,
    maps: Sequence[Map],
    class_names: Sequence[str],
    head_accuracy: float | None,
    sentence: str,
) -> dict[str, Any]:
    """Return all figures as plain values for JSON; what is not defined is None."""
    own = [item for item in maps if not item.source]
    return {
        "title": title,
        "features": features,
        "images": len(extraction.embeddings),
        "dimensions": extraction.embeddings.shape[1],
        "head_accuracy": head_accuracy,
        "neighbors": geometry.voters,
        "knn_accuracy": _defined(geometry.knn_accuracy),
        "silhouette": _defined(geometry.silhouette),
        "classes": _classes(extraction, geometry, class_names),
        "overlaps": [
            {"class": one, "other": other, "share": share}
            for one, other, share in named_overlaps(geometry, class_names)
        ],
        "outliers": _images(geometry.outliers, extraction, class_names),
        "likely_label_errors": _images(geometry.suspects, extraction, class_names),
        "maps": {item.method: map_record(item) for item in own},
        "compared_maps": {item.name: map_record(item) for item in maps if item.source},
        "skipped": len(extraction.skipped),
        "sentence": sentence,
    }


def _classes(extraction: Extraction, geometry: Geometry, class_names: Sequence[str]) -> list[dict[str, Any]]:
    counts = np.bincount(extraction.examples.labels, minlength=len(class_names))
    return [
        {
            "class": name,
            "images": int(count),
            "knn_accuracy": _defined(float(knn)),
            "silhouette": _defined(float(silhouette)),
        }
        for name, count, knn, silhouette in zip(
            class_names, counts, geometry.class_knn_accuracy, geometry.class_silhouette, strict=True
        )
    ]


def _images(
    indices: np.ndarray, extraction: Extraction, class_names: Sequence[str]
) -> list[Mapping[str, Any]]:
    examples = extraction.examples
    return [{"file": examples.files[i], "label": class_names[examples.labels[i]]} for i in indices]


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value
