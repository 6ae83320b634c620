"""``imgclf embed``: how classes separate, to look at and in figures; and the nearest images to one."""

from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.chosen import RunOption, newest
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import (
    INPUT,
    DataDirOption,
    DataOption,
    DeviceOption,
    OutOption,
    RuntimeOption,
    Said,
    SplitOption,
)
from imgclf.errors import UsageError
from imgclf.records import OnProgress
from imgclf.words import counted, percent

if TYPE_CHECKING:
    from imgclf.embed import EmbedResult, NeighborsResult, Options, Subject
    from imgclf.inference import Runtime

_MAP = "Map"
_NEIGHBORS = "Nearest images"


class Features(OptionGroup):
    """What makes the features, and of which images."""

    run: RunOption = None
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Without a run: a network with pretrained weights.", rich_help_panel=INPUT
        ),
    ] = None
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Without a run: the pixels alone.", rich_help_panel=INPUT)
    ] = False
    data: DataOption = None
    split: SplitOption = "test"
    data_dir: DataDirOption = None
    limit: Annotated[
        int | None,
        typer.Option(min=5, help="Embed a sample of so many images.", rich_help_panel=INPUT),
    ] = None


class Map(OptionGroup):
    """How the features become points."""

    tsne: Annotated[bool, typer.Option("--tsne", help="t-SNE (the default).", rich_help_panel=_MAP)] = False
    umap: Annotated[bool, typer.Option("--umap", help="UMAP.", rich_help_panel=_MAP)] = False
    pca: Annotated[bool, typer.Option("--pca", help="Principal components.", rich_help_panel=_MAP)] = False
    compare: Annotated[
        str | None,
        typer.Option(
            metavar="RUN",
            help="Set the maps of another run, or of another folder of this command, beside these: "
            "the same images by other features.",
            rich_help_panel=_MAP,
        ),
    ] = None
    dimensions: Annotated[int, typer.Option(min=2, max=3, help="2 or 3.", rich_help_panel=_MAP)] = 2
    perplexity: Annotated[
        float,
        typer.Option(metavar="P", min=1.0, help="Of t-SNE; clamped to the points.", rich_help_panel=_MAP),
    ] = 30.0
    umap_neighbors: Annotated[
        int, typer.Option(min=2, help="Of UMAP; clamped to the points.", rich_help_panel=_MAP)
    ] = 15
    seed: Annotated[int, typer.Option(min=0, help="Of map and sample.", rich_help_panel=_MAP)] = 0


class Nearest(OptionGroup):
    """Instead of a map: the nearest images to one."""

    neighbors: Annotated[
        str | None,
        typer.Option(
            metavar="IMAGE",
            help="Show the images nearest to this one, a file or a name from index.csv, and make no map.",
            rich_help_panel=_NEIGHBORS,
        ),
    ] = None
    count: Annotated[int, typer.Option(min=1, help="How many.", rich_help_panel=_NEIGHBORS)] = 12


def embed(
    features: Features,
    layout: Map,
    nearest: Nearest,
    device: DeviceOption = "auto",
    runtime: RuntimeOption = "auto",
    out: OutOption = None,
    *,
    said: Said,
) -> None:
    """Map images by what the model sees in them.

    Measures how well the classes separate. The features are saved first: another map of them takes no second look at
    the images, and joins the ones before on the page and in the table. Writes the features, each map as a picture and
    all on one interactive page, and files for other tools.

    Example: imgclf embed --tsne --umap
    """
    from imgclf.embed import embed_subject, find_neighbors

    options = _options(features, layout, device, runtime)
    with render.progress() as progress:
        subject = _subject(features, progress)
        if nearest.neighbors is not None:
            near = find_neighbors(subject, nearest.neighbors, nearest.count, out, options, progress)
        else:
            result = embed_subject(subject, out, options, progress)
    if nearest.neighbors is not None:
        _show_neighbors(near, said.json)
    else:
        _show(result, said.json)


def _options(features: Features, layout: Map, device: str, runtime: "Runtime") -> "Options":
    from imgclf.embed import Options

    methods: list[Literal["tsne", "umap", "pca"]] = []
    methods += ["tsne"] if layout.tsne else []
    methods += ["umap"] if layout.umap else []
    methods += ["pca"] if layout.pca else []
    return Options(
        methods=tuple(methods) or ("tsne",),
        dimensions=layout.dimensions,
        perplexity=layout.perplexity,
        umap_neighbors=layout.umap_neighbors,
        seed=layout.seed,
        limit=features.limit,
        compare=_folder(layout.compare) if layout.compare else None,
        device=device,
        runtime=runtime,
    )


def _subject(features: Features, progress: OnProgress) -> "Subject":
    from imgclf.embed import subject_of_run, subject_untrained
    from imgclf.runs import open_run

    run, model, data = features.run, features.model, features.data
    if sum((run is not None, model is not None, features.pixels)) > 1:
        raise UsageError("--run, --model and --pixels each say what makes the features: give one of them.")
    if model is not None or features.pixels:
        if data is None:
            render.message("No --data given: the embedded digits.")
        return subject_untrained(data or "digits", model, features.split, features.data_dir, progress)
    chosen = open_run(run) if run else newest()
    return subject_of_run(chosen, data, features.split, features.data_dir, progress)


def _folder(compare: str) -> Path:
    """Return the folder with the maps: the one named, or that of a run."""
    from imgclf.runs import open_run

    given = Path(compare)
    return given if (given / "features.json").is_file() else open_run(compare).path / "embed"


def _show(result: "EmbedResult", json: bool) -> None:
    if json:
        render.json_data({**result.metrics, "files": list(result.files)})
        return
    if result.reused:
        render.message(f"Features: those in {result.folder}; model, data and split are the same.")
    rows = [("images", f"{result.images:,}")]
    if result.head_accuracy is not None:
        rows.append(("accuracy of the head", f"{result.head_accuracy:.1%}"))
    neighbors = counted(result.geometry.voters, "neighbour")
    rows.append((f"accuracy of {neighbors}", percent(result.geometry.knn_accuracy)))
    silhouette = result.geometry.silhouette
    rows.append(("silhouette", "–" if isnan(silhouette) else f"{silhouette:.3f}"))
    rows.append(("likely label errors", f"{len(result.geometry.suspects):,}"))
    render.table(("measure", "value"), rows, title="Features")
    render.data("")
    render.table(
        ("map", "neighbours kept", "trustworthiness", "accuracy", "seconds"),
        [
            (
                item.name,
                f"{item.fidelity.neighbors_kept:.1%}",
                f"{item.fidelity.trustworthiness:.3f}",
                percent(item.fidelity.knn_accuracy),
                f"{item.seconds:.1f}" if item.new else "saved",
            )
            for item in result.maps
        ],
        title="Maps",
    )
    render.message(result.sentence)
    if result.skipped:
        render.warning(f"{result.skipped} images could not be read and are not on the map.")
    _name_files(result)


def _name_files(result: "EmbedResult") -> None:
    """Name the pictures and the page one by one, the data files in one line."""
    shown = [path for path in result.files if path.suffix in (".png", ".html")]
    others = [str(path.relative_to(result.folder)) for path in result.files if path not in shown]
    render.message(f"Wrote {', '.join(others)} in {result.folder}")
    render.files(shown)


def _show_neighbors(result: "NeighborsResult", json: bool) -> None:
    if json:
        render.json_data(
            {"image": result.image, "neighbors": list(result.neighbors), "files": list(result.files)}
        )
        return
    trained = any(item.prediction is not None for item in result.neighbors)
    columns = ("rank", "file", "label", *(["prediction"] if trained else []), "distance")
    rows = [
        (item.rank, item.file, item.label, *([item.prediction] if trained else []), f"{item.distance:.3f}")
        for item in result.neighbors
    ]
    render.table(columns, rows, title=f"Nearest to {result.image}")
    render.message(result.sentence)
    render.files(result.files)
