"""``imgclf tune``: search for better hyper-parameters."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from imgclf.cli import render
from imgclf.cli.flags import OptionGroup, settings
from imgclf.cli.options import OUTPUT, DataDirOption, RecipeOption, Said, SetOption
from imgclf.cli.search_shown import SearchReporter, show_search
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from imgclf.recipes import Config
    from imgclf.tuning import SearchResult

SEARCH = "Search"


class Search(OptionGroup):
    """What is searched and for how long."""

    space: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE",
            help="TOML file with what to search; by default the learning rate and its usual company.",
            rich_help_panel=SEARCH,
        ),
    ] = None
    trials: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            help="How many in all, earlier ones included; by default 20.",
            rich_help_panel=SEARCH,
        ),
    ] = None
    max_time: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="Such as 30m, for this call.", rich_help_panel=SEARCH),
    ] = None
    pruner: Annotated[
        Literal["median", "hyperband", "none"] | None,
        typer.Option(help="What ends bad trials early; by default median.", rich_help_panel=SEARCH),
    ] = None
    resume: Annotated[
        Path | None,
        typer.Option(metavar="SEARCH", help="Continue a search.", rich_help_panel=SEARCH),
    ] = None


class Kept(OptionGroup):
    """Where the search goes and what is kept of it."""

    out: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="The search's folder, by default a new one in searches/; the same search there is continued.",
            rich_help_panel=OUTPUT,
        ),
    ] = None
    keep_models: Annotated[
        bool,
        typer.Option(
            "--keep-models", help="Keep every trial's model, not only the best.", rich_help_panel=OUTPUT
        ),
    ] = False


def tune(
    flags: Annotated[
        dict[str, Any],
        settings("data.dataset", "model.name", "training.epochs", "training.seed", "hardware.device"),
    ],
    recipe: RecipeOption = None,
    set_: SetOption = None,
    data_dir: DataDirOption = None,
    *,
    search: Search,
    kept: Kept,
    said: Said,
) -> None:
    """Search for better hyper-parameters and write a recipe.

    Trains many short runs with Optuna and judges them by val; test is never touched. Trial 0 is the recipe as it is. Needs the extra 'tune'.

    Example: imgclf tune --data photos --epochs 5 --trials 30
    """
    with render.progress() as show:
        common: dict[str, Any] = {
            "max_time": search.max_time,
            "keep_models": kept.keep_models,
            "data_dir": data_dir,
            "reporter": SearchReporter(show),
        }
        if search.resume is not None:
            _check_alone([recipe, set_, search.space, search.pruner, kept.out, *flags.values()])
            result = _resume(search.resume, search.trials, common)
        else:
            result = _tune(_config(recipe, flags, set_ or []), search, kept.out, common)
    show_search(result, said.json)


def _check_alone(others: list[Any]) -> None:
    if any(value is not None for value in others):
        raise UsageError(
            "--resume continues a search with its own recipe and space: beside it give only --trials, --max-time, "
            "--data-dir or --keep-models."
        )


def _config(recipe: str | None, flags: dict[str, Any], set_: list[str]) -> "Config":
    from imgclf.recipes import Config, apply_overrides, load_recipe

    if recipe is None and "data.dataset" not in flags:
        render.message("No --data given: searching on the embedded digits.")
    base = Config() if recipe is None else load_recipe(recipe).config
    return apply_overrides(base, flags, set_)


def _tune(config: "Config", search: Search, out: Path | None, common: dict[str, Any]) -> "SearchResult":
    from imgclf.tuning import load_space, tune

    space = None if search.space is None else load_space(search.space, config)
    given = {"trials": search.trials, "pruner": search.pruner}
    chosen: dict[str, Any] = {key: value for key, value in given.items() if value is not None}
    return tune(config, space, out=out, **chosen, **common)


def _resume(folder: Path, trials: int | None, common: dict[str, Any]) -> "SearchResult":
    from imgclf.tuning import resume

    return resume(folder, trials=trials, **common)
