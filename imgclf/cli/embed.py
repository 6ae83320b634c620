"""``imgclf embed``: how classes separate, to look at and in figures."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.options import (
    INPUT,
    DataDirOption,
    DataOption,
    DeviceOption,
    JsonOption,
    OutOption,
    QuietOption,
    RunOption,
    SplitOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from imgclf.embed import EmbedResult

_PROJECTION = "Projection"


def embed(
    run: RunOption = None,
    model: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Without a run: a network with pretrained weights.", rich_help_panel=INPUT
        ),
    ] = None,
    pixels: Annotated[
        bool, typer.Option("--pixels", help="Without a run: the pixels alone.", rich_help_panel=INPUT)
    ] = False,
    data: DataOption = None,
    split: SplitOption = "test",
    data_dir: DataDirOption = None,
    tsne: Annotated[
        bool, typer.Option("--tsne", help="t-SNE (the default).", rich_help_panel=_PROJECTION)
    ] = False,
    umap: Annotated[bool, typer.Option("--umap", help="UMAP.", rich_help_panel=_PROJECTION)] = False,
    pca: Annotated[
        bool, typer.Option("--pca", help="Principal components.", rich_help_panel=_PROJECTION)
    ] = False,
    dimensions: Annotated[int, typer.Option(min=2, max=3, help="2 or 3.", rich_help_panel=_PROJECTION)] = 2,
    perplexity: Annotated[
        float, typer.Option(min=1.0, help="Of t-SNE; clamped to the points.", rich_help_panel=_PROJECTION)
    ] = 30.0,
    neighbors: Annotated[
        int, typer.Option(min=2, help="Of UMAP; clamped to the points.", rich_help_panel=_PROJECTION)
    ] = 15,
    limit: Annotated[
        int | None,
        typer.Option(min=5, help="Embed a sample of so many images.", rich_help_panel=_PROJECTION),
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Of the projection.", rich_help_panel=_PROJECTION)] = 0,
    device: DeviceOption = "auto",
    out: OutOption = None,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Map images by what the model sees in them.

    Measures how well the classes separate. Several projections at once can be compared. Writes the features, the map as a picture and as an
    interactive page, and files for other tools.

    Example: imgclf embed --tsne --umap
    """
    from imgclf.embed import Options
    from imgclf.models import choose_device

    asked: list[Literal["tsne", "umap", "pca"]] = []
    asked += ["tsne"] if tsne else []
    asked += ["umap"] if umap else []
    asked += ["pca"] if pca else []
    options = Options(
        methods=tuple(asked) or ("tsne",),
        dimensions=dimensions,
        perplexity=perplexity,
        neighbors=neighbors,
        seed=seed,
        limit=limit,
        device=choose_device(device),
    )
    with render.progress() as progress:
        if model is not None or pixels:
            from imgclf.embed import embed_untrained
            from imgclf.errors import UsageError

            if run is not None or (model is not None and pixels):
                raise UsageError(
                    "--run, --model and --pixels each say what makes the features: give one of them."
                )
            name = data or "digits"
            folder = out or Path("embed") / Path(name).name
            result = embed_untrained(
                name, folder, model=model, split=split, options=options, data_dir=data_dir, progress=progress
            )
        else:
            from imgclf.embed import embed_run
            from imgclf.runs import latest_run, open_run

            chosen = open_run(run) if run else latest_run()
            if run is None:
                render.message(f"Run: {chosen.path}")
            result = embed_run(
                chosen, out, data=data, split=split, options=options, data_dir=data_dir, progress=progress
            )
    _show(result, json)


def _show(result: "EmbedResult", json: bool) -> None:
    from imgclf.embed import metrics_of

    if json:
        render.json_data({**metrics_of(result), "files": list(result.files)})
        return
    rows = [("images", f"{result.images:,}")]
    if result.head_accuracy is not None:
        rows.append(("accuracy of the head", f"{result.head_accuracy:.1%}"))
    rows.append(("accuracy of 10 neighbours", f"{result.geometry.knn_accuracy:.1%}"))
    rows.append(("silhouette", f"{result.geometry.silhouette:.3f}"))
    for name, fidelity in result.fidelity.items():
        rows.append((f"{name}: trustworthiness", f"{fidelity.trustworthiness:.3f}"))
        rows.append((f"{name}: neighbours kept", f"{fidelity.neighbors_kept:.1%}"))
    render.table(("measure", "value"), rows, title="Embeddings")
    render.message(result.sentence)
    if result.skipped:
        render.warning(f"{result.skipped} images could not be read and are not on the map.")
    render.files(result.files)
