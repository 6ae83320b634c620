"""Embed a split: extract once, save, then project, measure and draw from what is saved."""

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.data import Examples, open_dataset
from imgclf.embed.exports import write_index, write_parquet, write_projection, write_projector
from imgclf.embed.extraction import (
    Extraction,
    Features,
    backbone_features,
    extract,
    pixel_features,
    trained_features,
)
from imgclf.embed.geometry import Fidelity, Geometry, measure_fidelity, measure_geometry
from imgclf.embed.page import embed_page
from imgclf.embed.projection import Method, project
from imgclf.errors import DataError
from imgclf.figures.scatter import projection_figure
from imgclf.inference.images import choose_images
from imgclf.models import classifier_from_header, create_classifier
from imgclf.records import Preprocessing, Progress
from imgclf.runs import Run, read_header, read_weights, write_atomically, write_text

OnProgress = Callable[[Progress], None] | None
_PIXELS = Preprocessing(image_size=(32, 32), mean=(0.5,) * 3, std=(0.5,) * 3, resize_mode="squash")


@dataclass(frozen=True)
class Options:
    """How to project: see :func:`imgclf.embed.projection.project`."""

    methods: tuple[Method, ...] = ("tsne",)
    dimensions: int = 2
    perplexity: float = 30.0
    neighbors: int = 15
    seed: int = 0
    limit: int | None = None
    device: str = "cpu"


@dataclass(frozen=True, eq=False)
class EmbedResult:
    """What an embedding came to.

    Attributes:
        folder: where everything was written.
        images: number of images embedded.
        geometry: measured in feature space.
        fidelity: of each projection, by method.
        head_accuracy: of the trained head on the same images, or None.
        sentence: what the figures say.
        overlaps: (class, class, share of the first one's neighbours that are of the second).
        skipped: number of images that could not be read.
        files: what was written.
    """

    folder: Path
    images: int
    geometry: Geometry
    fidelity: dict[str, Fidelity]
    head_accuracy: float | None
    sentence: str
    overlaps: tuple[tuple[str, str, float], ...]
    skipped: int
    files: tuple[Path, ...]


@dataclass(frozen=True, eq=False)
class _Subject:
    """What is embedded by what."""

    title: str
    examples: Examples
    class_names: tuple[str, ...]
    preprocessing: Preprocessing
    features: Features


def embed_run(
    run: Run,
    out: Path | None = None,
    *,
    data: str | None = None,
    split: str = "test",
    options: Options | None = None,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> EmbedResult:
    """Embed images with a trained run's model; see the module for what is written.

    Args:
        run: its model file gives network and preprocessing.
        out: the folder to write to; None is ``embed/`` inside the run.
        data: another dataset with class names that the model knows; None is the run's own.
        split: ``train``, ``val`` or ``test``.
        options: how to project.
        data_dir: where registered datasets live.
        progress: told phase and share.

    Raises:
        ImgclfError: of the kind that fits.
    """
    options = options or Options()
    header = read_header(run.model_file)
    images = choose_images(run, header, data, split, data_dir=data_dir, progress=progress)
    classifier = classifier_from_header(header, read_weights(run.model_file)).to(options.device)
    title = f"{header.arch} on {images.dataset} ({images.split})"
    subject = _Subject(
        title, images.examples, header.class_names, header.preprocessing, trained_features(classifier, header)
    )
    return _embed(subject, out or run.path / "embed", options, progress)


def embed_untrained(
    data: str,
    out: Path,
    *,
    model: str | None = None,
    split: str = "test",
    options: Options | None = None,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> EmbedResult:
    """Embed images before any training, with a pretrained backbone or by their pixels alone.

    Args:
        data: a dataset as ``--data`` takes it.
        out: the folder to write to.
        model: a network with pretrained weights at hand; None takes 32x32 pixels as the features.
        split: the split; a dataset without it is embedded by its ``train``.
        options: how to project.
        data_dir: where registered datasets live.
        progress: told phase and share.

    Raises:
        ImgclfError: of the kind that fits.
    """
    options = options or Options()
    dataset = open_dataset(data, data_dir, progress=progress)
    chosen = split if dataset.splits.get(split) is not None else "train"
    examples = dataset.splits.get(chosen)
    if examples is None:
        raise DataError(f"The dataset '{dataset.info.name}' has neither {split} nor train images.")
    by = model or "pixels"
    preprocessing, features = _pretrained(model, options.device) if model else (_PIXELS, pixel_features())
    subject = _Subject(
        f"{by} on {dataset.info.name} ({chosen})", examples, dataset.class_names, preprocessing, features
    )
    return _embed(subject, out, options, progress)


def _pretrained(model: str, device: str) -> tuple[Preprocessing, Features]:
    classifier = create_classifier(model, 1, pretrained="yes").to(device).eval()
    spec = classifier.input_spec
    assert spec is not None
    return Preprocessing(**asdict(spec)), backbone_features(classifier)


def _embed(subject: _Subject, folder: Path, options: Options, progress: OnProgress) -> EmbedResult:
    examples = _limited(subject.examples, options)
    extraction = extract(examples, subject.preprocessing, subject.features, options.device, progress)
    files = [_save_embeddings(folder, extraction), *_save_exports(folder, extraction, subject.class_names)]
    labels = extraction.examples.labels
    geometry = measure_geometry(extraction.embeddings, labels, len(subject.class_names))
    projections: dict[str, np.ndarray] = {}
    for method in options.methods:
        projections[method] = project(
            extraction.embeddings,
            method,
            dimensions=options.dimensions,
            perplexity=options.perplexity,
            neighbors=options.neighbors,
            seed=options.seed,
            progress=progress,
        )
    fidelity = {name: measure_fidelity(extraction.embeddings, points) for name, points in projections.items()}
    accuracy = None if extraction.predictions is None else float((extraction.predictions == labels).mean())
    overlaps = tuple(
        (subject.class_names[one], subject.class_names[other], share)
        for one, other, share in geometry.overlaps
    )
    sentence = describe(geometry.knn_accuracy, accuracy, overlaps)
    files += _draw(folder, subject, extraction, projections, geometry, fidelity, sentence)
    result = EmbedResult(
        folder,
        len(labels),
        geometry,
        fidelity,
        accuracy,
        sentence,
        overlaps,
        len(extraction.skipped),
        tuple(files),
    )
    write_text(folder / "metrics.json", json.dumps(metrics_of(result), indent=2) + "\n")
    return result


def describe(
    knn_accuracy: float, head_accuracy: float | None, overlaps: Sequence[tuple[str, str, float]]
) -> str:
    """Say in a sentence or two whether the head agrees with the geometry, and what overlaps most."""
    if head_accuracy is None:
        first = f"The nearest neighbours in feature space share an image's label for {knn_accuracy:.1%} of the images."
    elif abs(head_accuracy - knn_accuracy) < 0.03:
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


def metrics_of(result: EmbedResult) -> dict[str, Any]:
    """Return the figures as plain values for JSON; what is not defined is None."""
    geometry = result.geometry
    return {
        "images": result.images,
        "head_accuracy": result.head_accuracy,
        "knn_accuracy": geometry.knn_accuracy,
        "silhouette": _defined(geometry.silhouette),
        "class_silhouette": [_defined(float(value)) for value in geometry.class_silhouette],
        "overlaps": [{"class": one, "other": other, "share": share} for one, other, share in result.overlaps],
        "projections": {name: asdict(value) for name, value in result.fidelity.items()},
        "skipped": result.skipped,
        "sentence": result.sentence,
    }


def _defined(value: float) -> float | None:
    return None if np.isnan(value) else value


def _limited(examples: Examples, options: Options) -> Examples:
    """Return a seeded sample where there are more images than wanted."""
    if options.limit is None or len(examples) <= options.limit:
        return examples
    chosen = np.random.default_rng(options.seed).choice(len(examples), options.limit, replace=False)
    return examples.select(np.sort(chosen))


def _save_embeddings(folder: Path, extraction: Extraction) -> Path:
    path = folder / "embeddings.npy"
    write_atomically(path, lambda file: np.save(file, extraction.embeddings))
    return path


def _save_exports(folder: Path, extraction: Extraction, class_names: tuple[str, ...]) -> list[Path]:
    return [
        write_index(folder / "index.csv", extraction, class_names),
        write_parquet(folder / "embeddings.parquet", extraction, class_names),
        *write_projector(folder / "projector", extraction, class_names),
    ]


def _draw(
    folder: Path,
    subject: _Subject,
    extraction: Extraction,
    projections: dict[str, np.ndarray],
    geometry: Geometry,
    fidelity: dict[str, Fidelity],
    sentence: str,
) -> list[Path]:
    labels, names = extraction.examples.labels, subject.class_names
    files = []
    for method, points in projections.items():
        files.append(write_projection(folder / f"{method}.csv", extraction, points))
        files.append(projection_figure(points, labels, names, folder / f"{method}.png", subject.title))
    page = folder / "embed.html"
    html = embed_page(subject.title, sentence, extraction, names, projections, geometry, fidelity)
    write_text(page, html)
    return [*files, page]
