"""``imgclf explain``: where in an image the model sees its answer."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from imgclf.cli import render
from imgclf.cli.chosen import RunOption, run_or_newest
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import INPUT, OUTPUT, DataDirOption, DeviceOption, OutOption, Said
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgclf.explain import ExplainedMap, ExplainReport, Options, Subject
    from imgclf.inference import Predictor, Source

MAP = "Map"


class Asked(OptionGroup):
    """Which images of which model."""

    images: Annotated[
        list[str] | None,
        typer.Argument(metavar="IMAGES...", help="Files, folders or patterns such as 'photos/*.jpg'."),
    ] = None
    run: RunOption = None
    misclassified: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            help="Explain the N worst errors of the run's last evaluation instead of images named here.",
            rich_help_panel=INPUT,
        ),
    ] = 0
    data_dir: DataDirOption = None
    device: DeviceOption = "auto"


class Map(OptionGroup):
    """Which maps."""

    method: Annotated[
        str,
        typer.Option(
            metavar="NAMES",
            help="gradcam, gradcam++, hirescam, layercam, xgradcam, eigencam, scorecam, ablationcam and more (a wrong "
            "name lists them); several with commas stand side by side.",
            rich_help_panel=MAP,
        ),
    ] = "gradcam"
    layer: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LAYER",
            help="auto, an index into the feature layers (-3 is the third from the end), or a module's name; "
            "may be given several times.",
            rich_help_panel=MAP,
        ),
    ] = None
    list_layers: Annotated[
        bool,
        typer.Option("--list-layers", help="Show the layers to choose from and stop.", rich_help_panel=MAP),
    ] = False
    target: Annotated[
        str,
        typer.Option(
            metavar="CLASS",
            help="Which class to explain: predicted, true, top-3 (any number), a name or an index.",
            rich_help_panel=MAP,
        ),
    ] = "predicted"
    smooth: Annotated[
        bool,
        typer.Option(
            "--smooth", help="Average over flips and contrasts; six times the work.", rich_help_panel=MAP
        ),
    ] = False
    check: Annotated[
        bool,
        typer.Option(
            "--check",
            help="Say whether the maps mean anything: score them by deletion, insertion and ROAD beside a random map "
            "and the image's centre. Give 16 images or more.",
            rich_help_panel=MAP,
        ),
    ] = False
    check_images: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=1,
            help="Of more images, check N drawn at random: each costs the work of about a hundred predictions.",
            rich_help_panel=MAP,
        ),
    ] = 32


class Look(OptionGroup):
    """How the pictures look, and where they go."""

    opacity: Annotated[
        float,
        typer.Option(
            metavar="SHARE", min=0, max=1, help="Of the colours over the image.", rich_help_panel=OUTPUT
        ),
    ] = 0.5
    colormap: Annotated[
        str, typer.Option(metavar="NAME", help="Any of matplotlib's.", rich_help_panel=OUTPUT)
    ] = "turbo"
    out: OutOption = None


def explain(asked: Asked, maps: Map, look: Look, said: Said) -> None:
    """Show where in images the model sees its answer.

    Writes original, map and overlay of each image side by side, the overlay in the image's own size, the raw map, an
    index and a page. Integrated gradients and SHAP need the extra 'captum'. Exit code 3 means that some images could not be explained; the index says why.

    Example: imgclf explain photos/cat.jpg --method gradcam,layercam
    """
    from imgclf.inference import Predictor

    predictor = Predictor.open(run_or_newest(asked.run), device=asked.device, runtime="torch")
    if maps.list_layers:
        _show_layers(predictor)
        return
    report = _explain(predictor, asked, _options(maps, look), look.out)
    _show(report, said.json)
    if report.unreadable:
        raise typer.Exit(3)


def _options(maps: Map, look: Look) -> "Options":
    from imgclf.explain import Options

    return Options(
        methods=tuple(maps.method.split(",")),
        layers=tuple(maps.layer or ["auto"]),
        target=maps.target,
        smooth=maps.smooth,
        colormap=look.colormap,
        opacity=look.opacity,
        check=maps.check,
        check_images=maps.check_images,
    )


def _explain(predictor: "Predictor", asked: Asked, options: "Options", out: Path | None) -> "ExplainReport":
    from imgclf.explain import choose_methods, explain

    if bool(asked.images) == bool(asked.misclassified):
        raise UsageError(
            "Name the images to explain, such as photos/cat.jpg, or give --misclassified N; one of the two."
        )
    for one in choose_methods(options.methods):
        if one.slow:
            render.message(f"Slow: {one.title} {one.slow}.")
    subjects: Sequence[Source] | Sequence[Subject] = (
        _errors(predictor, asked.misclassified, asked.data_dir)
        if asked.misclassified
        else _named(asked.images or [])
    )
    with render.progress() as progress:
        return explain(subjects, predictor, options=options, out=out, progress=progress)


def _named(images: list[str]) -> "Sequence[Source]":
    from imgclf.inference import find_images

    return list(find_images(images))


def _errors(predictor: "Predictor", count: int, data_dir: Path | None) -> "Sequence[Subject]":
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
