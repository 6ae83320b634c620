"""``imgclf explain``: where in an image the model sees its answer."""

from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.options import (
    INPUT,
    OUTPUT,
    DataDirOption,
    DeviceOption,
    JsonOption,
    OutOption,
    QuietOption,
    RunOption,
    VerboseOption,
)

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from imgclf.explain import ExplainedMap, ExplainReport, Subject
    from imgclf.inference import Predictor
    from imgclf.inference.sources import Source

MAP = "Map"


def explain(
    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="[IMAGES]...", help="Files, folders or patterns such as 'photos/*.jpg'."),
    ] = None,
    run: RunOption = None,
    misclassified: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Explain the N worst errors of the run's last evaluation instead of images named here.",
            rich_help_panel=INPUT,
        ),
    ] = 0,
    data_dir: DataDirOption = None,
    method: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="gradcam, gradcam++, hirescam, layercam, xgradcam, eigencam, scorecam, ablationcam and more (a wrong "
            "name lists them); several with commas stand side by side.",
            rich_help_panel=MAP,
        ),
    ] = "gradcam",
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="auto, an index into the feature layers (-3 is the third from the end), or a module's name; "
            "may be given several times.",
            rich_help_panel=MAP,
        ),
    ] = None,
    list_layers: Annotated[
        bool,
        typer.Option("--list-layers", help="Show the layers to choose from and stop.", rich_help_panel=MAP),
    ] = False,
    target: Annotated[
        str,
        typer.Option(
            metavar="CLASS",
            help="Which class to explain: predicted, true, top-3 (any number), a name or an index.",
            rich_help_panel=MAP,
        ),
    ] = "predicted",
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth", help="Average over flips and contrasts; six times the work.", rich_help_panel=MAP
        ),
    ] = False,
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say whether the maps mean anything: score them by deletion, insertion and ROAD beside a random map "
            "and the image's centre. Give 16 images or more.",
            rich_help_panel=MAP,
        ),
    ] = False,
    check_images: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Of more images, check N drawn at random: each costs the work of about a hundred predictions.",
            rich_help_panel=MAP,
        ),
    ] = 32,
    opacity: Annotated[
        float,
        typer.Option(
            metavar="SHARE", min=0, max=1, help="Of the colours over the image.", rich_help_panel=OUTPUT
        ),
    ] = 0.5,
    colormap: Annotated[
        str, typer.Option(metavar="NAME", help="Any of matplotlib's.", rich_help_panel=OUTPUT)
    ] = "turbo",
    out: OutOption = None,
    device: DeviceOption = "auto",
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Show where in images the model sees its answer.

    Writes original, map and overlay of each image side by side, the overlay in the image's own size, the raw map, an
    index and a page. Integrated gradients and SHAP need the extra 'captum'. Exit code 3 means that some images could not be explained; the index says why.

    Example: imgclf explain photos/cat.jpg --method gradcam,layercam
    """
    from imgclf.errors import UsageError
    from imgclf.explain import Options, choose_methods
    from imgclf.explain import explain as explain_images

    predictor = _open(run, device)
    if list_layers:
        _show_layers(predictor)
        return
    options = Options(
        methods=tuple(method.split(",")),
        layers=tuple(layer or ["auto"]),
        target=target,
        smooth=smooth,
        colormap=colormap,
        opacity=opacity,
        check=check,
        check_images=check_images,
    )
    if bool(images) == bool(misclassified):
        raise UsageError(
            "Name the images to explain, such as photos/cat.jpg, or give --misclassified N; one of the two."
        )
    subjects = _errors(predictor, misclassified, data_dir) if misclassified else _named(images or [])
    for one in choose_methods(options.methods):
        if one.slow:
            render.message(f"Slow: {one.title} {one.slow}.")
    with render.progress() as progress:
        report = explain_images(subjects, predictor, options=options, out=out, progress=progress)
    _show(report, json)
    if report.unreadable:
        raise typer.Exit(3)


def _open(run: str | None, device: str) -> "Predictor":
    from imgclf.inference import Predictor
    from imgclf.runs import latest_run

    if run is None:
        run = str(latest_run().path)
        render.message(f"Model: the newest finished run, {run}")
    return Predictor.open(run, device=device)


def _named(images: list[str]) -> "Sequence[Source]":
    from imgclf.inference.files import find_images

    return list(find_images(images))


def _errors(predictor: "Predictor", count: int, data_dir: "Path | None") -> "Sequence[Subject]":
    """Return the worst errors with their images, from the dataset and split that were evaluated."""
    from imgclf.explain import worst_errors

    with render.progress() as progress:
        return worst_errors(predictor, count, data_dir=data_dir, progress=progress)


def _show_layers(predictor: "Predictor") -> None:
    from imgclf.explain import Explainer

    explainer = Explainer(predictor)
    layers, chosen = explainer.layers(), explainer.layer("auto")
    rows = [
        (
            layer.index,
            layer.index - len(layers),
            layer.name,
            type(layer.module).__name__,
            " × ".join(map(str, layer.output_shape[1:])),
            "{} × {}".format(*layer.grid),
        )
        for layer in layers
    ]
    height, width = explainer.image_size
    title = f"{predictor.header.arch}, input {height} × {width}"
    render.table(("index", "from end", "name", "kind", "output", "map"), rows, title=title)
    cells = f"{chosen.grid[0]} × {chosen.grid[1]} cells"
    render.message(f"--layer auto is '{chosen.name}', whose map has {cells}. Other modules can be named too.")


def _show(report: "ExplainReport", json: bool) -> None:
    if json:
        render.json_data(report.to_dict())
    else:
        rows = [
            (
                image.file,
                image.label or image.error,
                "" if image.confidence is None else f"{100 * image.confidence:.1f}%",
                image.true_label,
                ", ".join(dict.fromkeys(one.target for one in image.maps)),
                _blank(image.maps),
            )
            for image in report.images
        ]
        render.table(("file", "label", "confidence", "true label", "explained", "maps"), rows)
    if report.checks and not json:
        _show_checks(report)
    images = "1 image" if len(report.images) == 1 else f"{len(report.images):,} images"
    render.message(f"{images} in {report.seconds:.1f} s")
    if report.unreadable:
        render.warning(
            f"{len(report.unreadable):,} could not be explained; their rows say why (exit code 3)."
        )
    for layer in _silent_layers(report):
        render.warning(
            f"Every map of the layer '{layer}' is empty: nothing there speaks for the class. Try --layer auto, or eigencam."
        )
    render.files([report.page, report.index])


def _silent_layers(report: "ExplainReport") -> list[str]:
    maps = [one for image in report.images for one in image.maps if one.layer]
    spoke = {one.layer for one in maps if one.state != "empty"}
    return list(dict.fromkeys(one.layer for one in maps if one.layer not in spoke))


def _show_checks(report: "ExplainReport") -> None:
    from imgclf.explain import lead_table

    rows = [
        (
            row.method,
            row.layer,
            f"{row.deletion:.3f}",
            f"{row.insertion:.3f}",
            f"{row.road:+.3f}",
            f"{row.lead:+.3f}" if row.verdict else "",
        )
        for row in report.checks
    ]
    columns = ("map", "layer", "deletion↓", "insertion↑", "ROAD↑", "lead")
    render.table(columns, rows, title="Do the maps mean anything?")
    leads = lead_table(report.checks)
    if leads:
        render.table(*leads, title="Lead by method and layer (the best has a star)")
    for row in report.checks:
        if row.verdict:
            (render.message if row.verdict == "better" else render.warning)(row.sentence)


def _blank(maps: "tuple[ExplainedMap, ...]") -> str:
    """Say how many maps there are, and how many of them show nothing."""
    blank = sum(one.state != "ok" for one in maps)
    return f"{len(maps)} ({blank} empty or flat)" if blank else str(len(maps))
