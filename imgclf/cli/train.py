"""``imgclf train``: from images to a run directory."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from imgclf.cli import render
from imgclf.cli.flags import OptionGroup, settings
from imgclf.cli.options import OUTPUT, TRAINING, DataDirOption, RecipeOption, Said, SetOption
from imgclf.cli.training_shown import TrainReporter, show_dry_run, show_result
from imgclf.errors import ImgclfError, UsageError

if TYPE_CHECKING:
    from imgclf.recipes import Config
    from imgclf.training import TrainResult


class Start(OptionGroup):
    """Where the settings come from, before flags are laid over them."""

    recipe: RecipeOption = None
    config: Annotated[
        Path | None,
        typer.Option(
            metavar="RUN", help="Repeat with the config of a run or file.", rich_help_panel=TRAINING
        ),
    ] = None
    resume: Annotated[
        str | None, typer.Option(metavar="RUN", help="Continue a stopped run.", rich_help_panel=TRAINING)
    ] = None
    set_: SetOption = None


class Place(OptionGroup):
    """Where the run goes, and whether there will be one."""

    out: Annotated[
        Path, typer.Option(metavar="DIR", help="Parent of the run directory.", rich_help_panel=OUTPUT)
    ] = Path("runs")
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run", help="Show what would happen and how long it takes.", rich_help_panel=OUTPUT
        ),
    ] = False


def train(
    flags: Annotated[dict[str, Any], settings()],
    start: Start,
    data_dir: DataDirOption = None,
    *,
    place: Place,
    said: Said,
) -> None:
    """Train a model on a dataset and write a run directory.

    Example: imgclf train --data photos --model resnet18 --epochs 5
    """
    if _another_is_first():
        _follow(data_dir, place.dry_run)
        return
    with render.progress() as show:
        reporter = TrainReporter(show)
        if start.resume is not None:
            if place.dry_run:
                raise UsageError("--dry-run looks at a run before it begins: leave out --resume.")
            outcome = _resume(start, flags, data_dir, reporter)
        elif place.dry_run:
            _dry_run(_config(start, flags), place, data_dir, reporter, said.json)
            return
        else:
            outcome = _train(_config(start, flags), place.out, data_dir, reporter)
    show_result(outcome, said.json)


def _config(start: Start, flags: dict[str, Any]) -> "Config":
    from imgclf.recipes import Config, apply_overrides, load_config_file, load_recipe

    if start.recipe and start.config:
        raise UsageError("--recipe and --config both give all settings: leave one of them out.")
    if start.recipe:
        base = load_recipe(start.recipe).config
    else:
        base = load_config_file(start.config) if start.config else Config()
        if not start.config and "data.dataset" not in flags:
            render.message("No --data given: training on the embedded digits.")
    return apply_overrides(base, flags, start.set_ or [])


def _another_is_first() -> bool:
    from imgclf.training import is_first

    return not is_first()


def _follow(data_dir: Path | None, dry_run: bool) -> None:
    """Take part without a word in what the first process of torchrun does; one error a machine is shown."""
    from imgclf.training import follow, is_first_on_machine

    if dry_run:
        return
    try:
        follow(data_dir=data_dir)
    except ImgclfError as error:
        if is_first_on_machine():
            raise
        raise typer.Exit(error.exit_code) from None


def _train(config: "Config", out: Path, data_dir: Path | None, reporter: TrainReporter) -> "TrainResult":
    from imgclf.training import train as train_model

    return train_model(config, out=out, data_dir=data_dir, reporter=reporter)


def _resume(
    start: Start, flags: dict[str, Any], data_dir: Path | None, reporter: TrainReporter
) -> "TrainResult":
    from imgclf.recipes import apply_overrides, load_config_file
    from imgclf.runs import open_run
    from imgclf.training import resume

    if start.recipe or start.config:
        raise UsageError("--resume continues with the run's own config: leave out --recipe and --config.")
    run = open_run(start.resume or "")
    config = apply_overrides(load_config_file(run.path), flags, start.set_ or [])
    return resume(run, config, data_dir=data_dir, reporter=reporter)


def _dry_run(
    config: "Config", place: Place, data_dir: Path | None, reporter: TrainReporter, json: bool
) -> None:
    from imgclf.training import dry_run

    show_dry_run(dry_run(config, out=place.out / "dry-run", data_dir=data_dir, reporter=reporter), json)
