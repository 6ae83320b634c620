"""Embed a split: extract once, save, then project, measure and draw from what is saved."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.atomic import write_text
from imgclf.data import Examples
from imgclf.embed.exports import write_parquet, write_projection, write_projector
from imgclf.embed.extraction import Extraction, extract
from imgclf.embed.geometry import Geometry, measure_geometry
from imgclf.embed.maps import Map, Space, make_maps, maps_to_compare, read_maps
from imgclf.embed.options import Options
from imgclf.embed.page import embed_page
from imgclf.embed.projection import METHOD_NAMES, check_count
from imgclf.embed.saved import load_features, origin, save_features
from imgclf.embed.subject import Subject
from imgclf.embed.summary import describe, metrics_record, named_overlaps
from imgclf.figures import PlottedMap, map_figure, maps_figure, names_in_figures
from imgclf.records import OnProgress, Progress


@dataclass(frozen=True, eq=False)
class EmbedResult:
    """What an embedding came to.

    Attributes:
        folder: where everything was written.
        images: number of images embedded.
        reused: whether the features were those saved in the folder.
        geometry: measured in feature space.
        maps: the projections, the folder's own first.
        head_accuracy: of the trained head on the same images, or None.
        sentence: what the figures say.
        metrics: all figures as plain values, as ``metrics.json`` has them.
        skipped: number of images that could not be read.
        files: what was written.
    """

    folder: Path
    images: int
    reused: bool
    geometry: Geometry
    maps: tuple[Map, ...]
    head_accuracy: float | None
    sentence: str
    metrics: dict[str, Any]
    skipped: int
    files: tuple[Path, ...]


def embed_subject(
    subject: Subject, out: Path | None = None, options: Options | None = None, progress: OnProgress = None
) -> EmbedResult:
    """Embed, project, measure, draw and write; ``out`` None is the subject's own folder.

    Raises:
        ImgclfError: of the kind that fits.
    """
    options = options or Options()
    folder = out or subject.folder
    extraction, reused, files = features_of(subject, folder, options, progress)
    _tell(progress, "Measuring features", 0)
    labels = extraction.examples.labels
    geometry = measure_geometry(extraction.embeddings, labels, len(subject.class_names))
    _tell(progress, "Measuring features", 1)
    space = Space(extraction.embeddings, labels, geometry.neighbors, geometry.knn_accuracy)
    names = extraction.examples.files
    compared = maps_to_compare(options.compare, names) if options.compare else []
    maps = make_maps(space, options, read_maps(folder, names) if reused else [], progress) + compared
    accuracy = None if extraction.predictions is None else float((extraction.predictions == labels).mean())
    sentence = describe(geometry.knn_accuracy, accuracy, named_overlaps(geometry, subject.class_names))
    metrics = metrics_record(
        subject.by, subject.title, extraction, geometry, maps, subject.class_names, accuracy, sentence
    )
    places: dict[str, np.ndarray] = {item.method: item.points for item in maps if not item.source}
    files.append(write_parquet(folder / "embeddings.parquet", extraction, subject.class_names, places))
    files += _draw(folder, subject, extraction, maps)
    page = embed_page(subject.title, extraction, subject.class_names, maps, geometry, metrics)
    write_text(folder / "embed.html", page)
    write_text(folder / "metrics.json", json.dumps(metrics, indent=2) + "\n")
    files += [folder / "metrics.json", folder / "embed.html"]
    return EmbedResult(
        folder=folder,
        images=len(labels),
        reused=reused,
        geometry=geometry,
        maps=tuple(maps),
        head_accuracy=accuracy,
        sentence=sentence,
        metrics=metrics,
        skipped=len(extraction.skipped),
        files=tuple(files),
    )


def features_of(
    subject: Subject, folder: Path, options: Options, progress: OnProgress = None
) -> tuple[Extraction, bool, list[Path]]:
    """Return the features, whether they were saved before, and the files written where they were not.

    Raises:
        ImgclfError: of the kind that fits.
    """
    examples = _limited(subject.examples, options)
    check_count(len(examples))
    made_by = origin(subject.model, subject.dataset, subject.split, examples, subject.preprocessing)
    saved = load_features(folder, examples, subject.class_names, made_by)
    if saved is not None:
        return saved, True, []
    extraction = extract(examples, subject.preprocessing, subject.features(options), progress)
    for method in METHOD_NAMES:  # maps of other features would be taken for these
        for path in (folder / f"{method}.csv", folder / f"{method}.png"):
            path.unlink(missing_ok=True)
    files = save_features(folder, extraction, subject.class_names, made_by)
    files += write_projector(folder / "projector", extraction, subject.class_names)
    return extraction, False, files


def _limited(examples: Examples, options: Options) -> Examples:
    """Return a seeded sample where there are more images than wanted."""
    if options.limit is None or len(examples) <= options.limit:
        return examples
    chosen = np.random.default_rng(options.seed).choice(len(examples), options.limit, replace=False)
    return examples.select(np.sort(chosen))


def _draw(folder: Path, subject: Subject, extraction: Extraction, maps: list[Map]) -> list[Path]:
    labels, names = extraction.examples.labels, names_in_figures(subject.class_names)
    files = []
    for item in maps:
        if item.new:
            files.append(
                write_projection(folder / f"{item.method}.csv", extraction.examples.files, item.points)
            )
            title = f"{item.name}: {subject.title}"
            files.append(map_figure(item.points, labels, names, folder / f"{item.method}.png", title))
    if len(maps) > 1:
        plotted = [PlottedMap(_caption(item, subject), item.points) for item in maps]
        files.append(maps_figure(plotted, labels, names, folder / "maps.png", subject.title))
    return files


def _caption(item: Map, subject: Subject) -> str:
    name = item.name if item.source else f"{item.name} of {subject.by}"
    return f"{name}\n{item.fidelity.neighbors_kept:.0%} of neighbours kept"


def _tell(progress: OnProgress, phase: str, done: int) -> None:
    if progress is not None:
        progress(Progress(phase, done, 1 if done else None))
