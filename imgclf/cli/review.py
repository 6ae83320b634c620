"""``imgclf review``: look at the labels that seem wrong, and turn corrections into a manifest."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.chosen import RunOption, newest
from imgclf.cli.options import OUTPUT, DataDirOption, Said

if TYPE_CHECKING:
    from imgclf.runs import Run


def review(
    action: Annotated[
        Literal["show", "apply"],
        typer.Argument(
            metavar="show|apply", help="List the suspicious labels, or make a manifest of the corrected file."
        ),
    ],
    file: Annotated[
        Path | None,
        typer.Argument(
            metavar="FILE", help="The review file; by default review.csv of the run.", show_default=False
        ),
    ] = None,
    run: RunOption = None,
    data_dir: DataDirOption = None,
    output: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="The manifest to write, .csv or .parquet; by default manifest.csv beside the review.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    overwrite: Annotated[
        bool,
        typer.Option("--overwrite", help="Replace a manifest that is there already.", rich_help_panel=OUTPUT),
    ] = False,
    *,
    said: Said,
) -> None:
    """Correct labels that imgclf evaluate found suspicious. No image file is moved or changed.

    Fill in the column new_label of the run's review.csv with a class name, or 'drop' to leave the image out. Then
    apply it: the result is a manifest (path, label, split) to train on.

    Example: imgclf review apply runs/2026-11-21-143000-resnet18-photos/review.csv
    """
    found = _run(run, file)
    path = file or found.path / "review.csv"
    if action == "show":
        _show(path, said.json)
    else:
        _apply(path, found, output or path.with_name("manifest.csv"), data_dir, overwrite, said.json)


def _run(given: str | None, file: Path | None) -> "Run":
    """Return the run that was named, else the one that the review lies in, else the newest."""
    from imgclf.runs import open_run

    if given is not None:
        return open_run(given)
    if file is not None and (file.absolute().parent / "model.safetensors").is_file():
        return open_run(file.absolute().parent)
    return newest()


def _show(path: Path, json: bool) -> None:
    from imgclf.evaluation import read_review

    rows = read_review(path)
    if json:
        render.json_data([{"line": line, **vars(one), "new_label": new} for line, one, new in rows])
        return
    cells = [
        (
            one.file,
            one.label,
            f"{one.label_confidence:.3f}",
            one.suggested,
            f"{one.suggested_confidence:.3f}",
            new,
        )
        for _, one, new in rows
    ]
    render.table(("file", "label", "p(label)", "suggested", "p(suggested)", "new_label"), cells)
    render.message(f"{len(rows)} labels look wrong. To correct them, edit {path}")
    render.next_command(f"imgclf review apply {path}")


def _apply(
    path: Path, run: "Run", manifest: Path, data_dir: Path | None, overwrite: bool, json: bool
) -> None:
    from imgclf.evaluation import apply_review

    result = apply_review(path, run, manifest, data_dir=data_dir, overwrite=overwrite)
    if json:
        render.json_data(result)
    render.message(
        f"{result.images:,} images, {result.changed:,} labels changed, {result.dropped:,} images left out."
    )
    render.files([result.manifest])
    render.next_command(f"imgclf train --data {result.manifest}")
