"""Maps: projections with what made them and how faithful they are, kept beside the features for the next time."""

import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.embed.exports import read_projection
from imgclf.embed.geometry import Fidelity, measure_fidelity
from imgclf.embed.options import Options
from imgclf.embed.projection import METHOD_NAMES, Method, project
from imgclf.errors import UsageError
from imgclf.plain import plain
from imgclf.records import OnProgress, Progress


@dataclass(frozen=True, eq=False)
class Map:
    """A projection of N embeddings.

    Attributes:
        method: what projected.
        points: float32 (N, 2 or 3).
        settings: what decides the points besides the features.
        fidelity: how faithful it is to the features.
        seconds: how long it took to make.
        new: whether it was made now; otherwise it comes from an earlier call.
        source: what made the features of another folder's map, empty for the folder's own.
        features_knn: accuracy by neighbours in the features that it projects.
    """

    method: Method
    points: np.ndarray
    settings: Mapping[str, Any]
    fidelity: Fidelity
    seconds: float
    new: bool
    features_knn: float
    source: str = ""

    @property
    def name(self) -> str:
        """How a person calls it: "t-SNE", "UMAP of resnet18"."""
        return METHOD_NAMES[self.method] + (f" of {self.source}" if self.source else "")


@dataclass(frozen=True, eq=False)
class Space:
    """Features with what a map is measured against.

    Attributes:
        embeddings: float (N, D).
        labels: int (N,).
        neighbors: int (N, k), nearest first.
        knn_accuracy: by these neighbours.
    """

    embeddings: np.ndarray
    labels: np.ndarray
    neighbors: np.ndarray
    knn_accuracy: float


def make_maps(
    space: Space, options: Options, earlier: Sequence[Map], progress: OnProgress = None
) -> list[Map]:
    """Return the maps asked for, and the earlier ones of other methods: asked ones first, nothing made twice."""
    known = {item.method: item for item in earlier}
    maps = []
    for method in options.methods:
        kept = known.pop(method, None)
        if kept is not None and kept.settings == settings_of(method, options):
            maps.append(kept)
        else:
            maps.append(_make(space, method, options, progress))
    return maps + list(known.values())


def settings_of(method: Method, options: Options) -> dict[str, Any]:
    """Return the settings that decide a map's points."""
    settings: dict[str, Any] = {"dimensions": options.dimensions}
    if method != "pca":
        settings["seed"] = options.seed
    if method == "tsne":
        settings["perplexity"] = options.perplexity
    if method == "umap":
        settings["neighbors"] = options.umap_neighbors
    return settings


def read_maps(folder: Path, files: Sequence[str], source: str = "") -> list[Map]:
    """Return a folder's maps of these images; what is missing, damaged or of other images is left out."""
    maps = []
    recorded, knn = _recorded(folder)
    for method, values in recorded.items():
        try:
            points = read_projection(folder / f"{method}.csv", files)
            fidelity = Fidelity(
                **{
                    name: float("nan") if value is None else value
                    for name, value in values["fidelity"].items()
                }
            )
            settings, seconds = values["settings"], values["seconds"]
        except (OSError, ValueError, KeyError, TypeError):
            continue
        maps.append(Map(method, points, settings, fidelity, seconds, False, knn, source))
    return maps


def maps_to_compare(folder: Path, files: Sequence[str]) -> list[Map]:
    """Return another folder's maps of the same images.

    Raises:
        UsageError: there are none.
    """
    try:
        by = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))["features"]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError(
            f"{folder}: holds no maps to compare with. Make them with imgclf embed, then name its folder or its run."
        ) from None
    maps = read_maps(folder, files, by)
    if not maps:
        raise UsageError(
            f"{folder}: its maps are of other images than these. Compare maps of the same dataset and split."
        )
    return maps


def map_record(item: Map) -> dict[str, Any]:
    """Return what ``metrics.json`` keeps of a map."""
    return {
        "fidelity": plain(item.fidelity),
        "settings": dict(item.settings),
        "seconds": round(item.seconds, 2),
    }


def _make(space: Space, method: Method, options: Options, progress: OnProgress) -> Map:
    start = time.perf_counter()
    points = project(
        space.embeddings,
        method,
        dimensions=options.dimensions,
        perplexity=options.perplexity,
        neighbors=options.umap_neighbors,
        seed=options.seed,
        progress=progress,
    )
    seconds = time.perf_counter() - start
    if progress is not None:
        progress(Progress(f"Measuring {METHOD_NAMES[method]}", 0, None))
    fidelity = measure_fidelity(space.embeddings, points, space.labels, space.neighbors)
    if progress is not None:
        progress(Progress(f"Measuring {METHOD_NAMES[method]}", 1, 1))
    return Map(method, points, settings_of(method, options), fidelity, seconds, True, space.knn_accuracy)


def _recorded(folder: Path) -> tuple[dict[Method, Any], float]:
    try:
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
        knn = metrics["knn_accuracy"]
        maps = {name: metrics["maps"][name] for name in METHOD_NAMES if name in metrics["maps"]}
        return maps, float("nan") if knn is None else knn
    except (OSError, ValueError, KeyError, TypeError):
        return {}, float("nan")
