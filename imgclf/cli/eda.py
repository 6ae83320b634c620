"""``imgclf eda``: know the data before training."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgclf.cli import render
from imgclf.cli.flags import OptionGroup, settings
from imgclf.cli.options import DATA, OUTPUT, DataDirOption, DataOption, Said

if TYPE_CHECKING:
    from collections.abc import Sequence

    from imgclf.data import Taken
    from imgclf.eda import Check, EdaReport
    from imgclf.recipes import Config

_FAILED = 4


class Look(OptionGroup):
    """What is looked for and shown."""

    recipe: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Show this recipe's augmentation and evaluation crop.", rich_help_panel=DATA
        ),
    ] = None
    near: Annotated[
        int,
        typer.Option(
            metavar="BITS",
            min=0,
            max=16,
            help="Hashes that differ in up to this many of 64 bits may be near-duplicates.",
            rich_help_panel=DATA,
        ),
    ] = 4
    fail_on: Annotated[
        str,
        typer.Option(
            metavar="CHECKS",
            help="Exit with 4 if one of these finds anything, such as unreadable,leaks,duplicates.",
            rich_help_panel=OUTPUT,
        ),
    ] = ""
    samples: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=20, help="Images shown of each class.", rich_help_panel=OUTPUT),
    ] = 8
    seed: Annotated[
        int, typer.Option(metavar="N", min=0, help="Draws the images shown.", rich_help_panel=OUTPUT)
    ] = 0
    cache: Annotated[
        bool,
        typer.Option(help="Reuse what was measured on unchanged images.", rich_help_panel=OUTPUT),
    ] = True
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", help="Folder to write to; by default a new one in eda/.", rich_help_panel=OUTPUT
        ),
    ] = None


def eda(
    data: DataOption = None,
    data_dir: DataDirOption = None,
    *,
    wishes: Annotated[
        dict[str, Any],
        settings("data.image_column", "data.label_column", "data.split_column", "data.class_depth"),
    ],
    options: Look,
    said: Said,
) -> None:
    """Look at a dataset before any model.

    Balance, samples, sizes, duplicates, leaks and bad files. Writes a page, a summary and a table of all files; the dataset is only read.

    Example: imgclf eda --data photos --fail-on unreadable,leaks
    """
    from imgclf.eda import parse_fail_on

    fatal = parse_fail_on(options.fail_on)
    config = _config(options.recipe)
    if data is None:
        data = config.data.dataset if config else "digits"
        render.message(f"No --data given: looking at {data}.")
    report = _look(data, data_dir, wishes, config, options)
    if said.json:
        render.json_data(report.to_dict())
    else:
        _show(report)
    render.files(report.files)
    _judge(report, fatal)
    render.next_command(f"imgclf train --data {shlex.quote(data)}")


def _look(
    data: str, data_dir: Path | None, wishes: dict[str, Any], config: "Config | None", options: Look
) -> "EdaReport":
    from imgclf.data import Wishes
    from imgclf.eda import eda

    with render.progress() as progress:
        return eda(
            data,
            out=options.out,
            data_dir=data_dir,
            wishes=Wishes(**{key.removeprefix("data."): value for key, value in wishes.items()}),
            recipe=config,
            samples=options.samples,
            seed=options.seed,
            max_distance=options.near,
            use_cache=options.cache,
            progress=progress,
        )


def _judge(report: "EdaReport", fatal: tuple[str, ...]) -> None:
    """End with an exit code of its own where a check of --fail-on found something."""
    for check in report.checks:
        if check.name in fatal and check.skipped:
            render.warning(f"--fail-on {check.name} has no say here. {check.skipped}")
    if failed := report.failed(fatal):
        found = ", ".join(f"{check.name} ({check.count:,})" for check in failed)
        render.error(f"--fail-on: {found}. See {report.files[0]}.")
        raise typer.Exit(_FAILED)


def _config(recipe: str | None) -> "Config | None":
    if recipe is None:
        return None
    from imgclf.recipes import load_recipe

    return load_recipe(recipe).config


def _show(report: "EdaReport") -> None:
    """Say what was found, the checks last: they are what a person came for."""
    if report.survey.dataset.taken:
        _show_taken(report.survey.dataset.taken)
    for warning in report.survey.dataset.warnings:
        render.warning(warning)
    per_split = report.counts.per_split
    names = list(report.survey.dataset.class_names)
    rows = [(name, *(counts[name] for counts in per_split.values())) for name in names[:_CLASSES_SHOWN]]
    if len(names) > _CLASSES_SHOWN:
        render.message(f"The first {_CLASSES_SHOWN} of {len(names):,} classes:")
    render.table(("class", *per_split), rows)
    for sentence in (report.counts.verdict, *report.counts.notes):
        render.message(sentence)
    if report.pixels:
        render.message(_sizes(report))
        render.message("Mean and standard deviation of the training pixels:")
        for line in report.pixels.paste().splitlines():
            render.message(f"  {line}")
    if report.crop:
        render.message(report.crop.verdict)
    render.table(
        ("check", "images", "first"), [_check_row(check, report.survey.files) for check in report.checks]
    )
    render.message(_work(report))


def _show_taken(taken: "Taken") -> None:
    """Say as a table what was read as what."""
    rows = [
        ("image", taken.image),
        ("label", taken.label),
        ("split", taken.split or "none: all is train"),
        ("group", taken.group or "none"),
        *((f"left out {reason}", f"{number:,}") for reason, number in taken.left_out.items()),
    ]
    render.table(("read as", taken.format), rows)


_CLASSES_SHOWN = 30


def _work(report: "EdaReport") -> str:
    reused, total = report.survey.reused, len(report.survey)
    known = (
        "" if not reused else f", {'all' if reused == total else f'{reused:,}'} measured by an earlier look"
    )
    return f"{total:,} images in {report.seconds:.1f} s{known}"


def _sizes(report: "EdaReport") -> str:
    pixels = report.pixels
    if pixels is None:
        return ""
    if pixels.one_size:
        return f"All images are {pixels.widths[1]} × {pixels.heights[1]} pixels."
    widths, heights = (
        f"{low:,} to {high:,}" if low < high else f"{low:,}"
        for low, _, high in (pixels.widths, pixels.heights)
    )
    median = f"{pixels.widths[1]} × {pixels.heights[1]}"
    return f"Images are {widths} pixels wide and {heights} high, median {median}."


def _check_row(check: "Check", files: "Sequence[str]") -> "tuple[str, int | str, str]":
    """Name, images concerned, and the worst of them."""
    if check.skipped:
        return check.name, "", check.skipped
    if check.not_images:
        return check.name, check.count, f"{check.not_images[0].file}: {check.not_images[0].reason}"
    if not check.findings:
        return check.name, 0, ""
    first = check.findings[0]
    worst = " = ".join(files[row] for row in first.rows[:2])
    return check.name, check.count, f"{worst}: {first.detail}"
