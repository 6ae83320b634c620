"""``imgclf tune``: search for better hyper-parameters."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgclf.cli import render
from imgclf.cli.options import (
    HARDWARE,
    MODEL,
    OUTPUT,
    TRAINING,
    DataDirOption,
    DataOption,
    JsonOption,
    QuietOption,
    VerboseOption,
)
from imgclf.records import Progress

if TYPE_CHECKING:
    from imgclf.recipes import Config
    from imgclf.tuning import SearchResult, TrialRecord

SEARCH = "Search"
_SHOWN = 10  # trials in the table


def tune(
    data: DataOption = None,
    data_dir: DataDirOption = None,
    model: Annotated[
        str | None, typer.Option(help="Any timm name; see imgclf models.", rich_help_panel=MODEL)
    ] = None,
    recipe: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="A published recipe or a TOML file.", rich_help_panel=TRAINING),
    ] = None,
    epochs: Annotated[
        int | None, typer.Option(help="Passes over the images in each trial.", rich_help_panel=TRAINING)
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Of everything random.", rich_help_panel=TRAINING)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option(
            "--set",
            metavar="KEY=VALUE",
            help="Any other setting of the recipe; may be repeated.",
            rich_help_panel=TRAINING,
        ),
    ] = None,
    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML file with what to search; by default the learning rate and its usual company.",
            rich_help_panel=SEARCH,
        ),
    ] = None,
    trials: Annotated[
        int | None,
        typer.Option(help="How many in all, earlier ones included; by default 20.", rich_help_panel=SEARCH),
    ] = None,
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Such as 30m, for this call.", rich_help_panel=SEARCH),
    ] = None,
    pruner: Annotated[
        Literal["median", "hyperband", "none"] | None,
        typer.Option(help="What ends bad trials early; by default median.", rich_help_panel=SEARCH),
    ] = None,
    resume: Annotated[
        Path | None,
        typer.Option(metavar="SEARCH", help="Continue a search.", rich_help_panel=SEARCH),
    ] = None,
    device: Annotated[
        Literal["auto", "cpu", "cuda", "mps"] | None,
        typer.Option(help="Where to compute.", rich_help_panel=HARDWARE),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The search's folder, by default a new one in searches/; the same search there is continued.",
            rich_help_panel=OUTPUT,
        ),
    ] = None,
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Keep every trial's model, not only the best.", rich_help_panel=OUTPUT
        ),
    ] = False,
    json: JsonOption = False,
    quiet: QuietOption = False,
    verbose: VerboseOption = False,
) -> None:
    """Search for better hyper-parameters and write a recipe.

    Trains many short runs with Optuna and judges them by val; test is never touched. Trial 0 is the recipe as it is. Needs the extra 'tune'.

    Example: imgclf tune --data photos --epochs 5 --trials 30
    """
    flags: dict[str, Any] = {
        "data.dataset": data,
        "model.name": model,
        "training.epochs": epochs,
        "training.seed": seed,
        "hardware.device": device,
    }
    given = [recipe, set_, space, pruner, out, *flags.values()]
    _check_flags(resume, given)
    with render.progress() as show:
        common: dict[str, Any] = {
            "max_time": max_time,
            "keep_models": keep_models,
            "data_dir": data_dir,
            "reporter": SearchReporter(show),
        }
        if resume is not None:
            result = _resume(resume, trials, common)
        else:
            result = _tune(_settings(recipe, flags, set_ or []), space, out, trials, pruner, common)
    _show(result, json)


class SearchReporter:
    """Shows a search: a line for each trial that stays, bars that go."""

    def __init__(self, show: Callable[[Progress], None]) -> None:
        self._show = show

    def message(self, text: str) -> None:
        """Show a sentence."""
        render.message(text)

    def detail(self, text: str) -> None:
        """Show a sentence with --verbose."""
        render.detail(text)

    def progress(self, progress: Progress) -> None:
        """Move a bar."""
        self._show(progress)

    def trial(self, trial: "TrialRecord", improved: bool) -> None:
        """Show a trial that is over."""
        from imgclf.tuning.words import params_text

        end = trial.reason or params_text(trial.params)
        value = "" if trial.value is None else f"{trial.value:.4f}"
        render.message(
            f"Trial {trial.number:>3}  {trial.state:<8}  {value:>6}  {trial.seconds:6.1f} s  "
            f"{'best' if improved else '':<4}  {end}"
        )


def _check_flags(resume: Path | None, given: list[Any]) -> None:
    from imgclf.errors import UsageError

    if resume is not None and any(value is not None for value in given):
        raise UsageError(
            "--resume continues a search with its own recipe and space: beside it give only --trials, --max-time, "
            "--data-dir or --keep-models."
        )


def _settings(recipe: str | None, flags: dict[str, Any], set_: list[str]) -> "Config":
    from imgclf.recipes import Config, apply_overrides, load_recipe

    if recipe is None and flags["data.dataset"] is None:
        render.message("No --data given: searching on the embedded digits.")
    base = Config() if recipe is None else load_recipe(recipe).config
    return apply_overrides(base, flags, set_)


def _tune(
    config: "Config",
    space: Path | None,
    out: Path | None,
    trials: int | None,
    pruner: Literal["median", "hyperband", "none"] | None,
    common: dict[str, Any],
) -> "SearchResult":
    from imgclf.tuning import load_space
    from imgclf.tuning import tune as search

    found = None if space is None else load_space(space, config)
    given = {"trials": trials, "pruner": pruner}
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return search(config, found, out=out, **chosen, **common)


def _resume(folder: Path, trials: int | None, common: dict[str, Any]) -> "SearchResult":
    from imgclf.tuning import resume

    return resume(folder, trials=trials, **common)


def _show(result: "SearchResult", json: bool) -> None:
    if json:
        render.json_data(
            {
                "search": result.folder,
                "metric": result.metric,
                "best": result.best,
                "run": result.run.path,
                "importances": result.importances,
                "trials": result.trials,
            }
        )
        return
    _show_trials(result)
    render.data(_verdict(result))
    if result.note:
        render.message(result.note)
    render.files(result.files.values())
    render.next_command(f"imgclf train --recipe {result.files['recipe']}")


def _show_trials(result: "SearchResult") -> None:
    """The best trials, finished ones first."""
    from imgclf.task import sign_of
    from imgclf.tuning.words import metric_name, metric_text, param_text

    sign = -sign_of(result.metric)
    valued = [trial for trial in result.trials if trial.value is not None]
    ordered = sorted(valued, key=lambda trial: (trial.state != "finished", sign * (trial.value or 0.0)))
    keys = list(dict.fromkeys(key for trial in ordered for key in trial.params))
    rows = [
        (
            trial.number,
            trial.state,
            metric_text(result.metric, trial.value),
            trial.epochs,
            f"{trial.seconds:.1f}",
            *(param_text(trial.params.get(key)) for key in keys),
        )
        for trial in ordered[:_SHOWN]
    ]
    title = f"The best {len(rows)} of {len(result.trials)} trials"
    render.table(
        ("trial", "state", metric_name(result.metric), "epochs", "seconds", *keys), rows, title=title
    )


def _verdict(result: "SearchResult") -> str:
    from imgclf.tuning.words import metric_name, metric_text

    name, value = metric_name(result.metric), metric_text(result.metric, result.best.value)
    first = metric_text(result.metric, result.trials[0].value)
    if result.best.number == 0:
        return f"No trial was better than the recipe as it is: {name} {value}."
    if result.gain is None:
        return f"The best is trial {result.best.number}: {name} {value}. The recipe as it is did not finish."
    return f"The best is trial {result.best.number}: {name} {value}; the recipe as it is has {first}."
