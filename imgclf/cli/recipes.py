"""``imgclf recipes``: the published recipes, listed or printed."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.options import Said
from imgclf.errors import UsageError

if TYPE_CHECKING:
    from imgclf.recipes import Recipe


def recipes(
    action: Annotated[
        Literal["list", "show"],
        typer.Argument(metavar="list|show", help="List them all, or show one as TOML."),
    ] = "list",
    name: Annotated[str | None, typer.Argument(metavar="NAME", help="The recipe to show.")] = None,
    *,
    said: Said,
) -> None:
    """List the published recipes, or print one to copy and edit.

    Example: imgclf recipes show resnet9-cifar10 > mine.toml
    """
    from imgclf.recipes import list_recipes, recipe_text

    if action == "show":
        if name is None:
            raise UsageError(
                "'imgclf recipes show' needs a name, for example: imgclf recipes show resnet9-cifar10"
            )
        render.data(recipe_text(name).rstrip("\n"))
        return
    found = list_recipes()
    if said.json:
        render.json_data([{**_row(each), "summary": each.summary, "source": each.source} for each in found])
        return
    columns = ("name", "model", "accuracy", "time")  # what fits 80 columns; the name says the data
    render.table(columns, [[_row(recipe)[column] for column in columns] for recipe in found])
    render.next_command("imgclf train --recipe NAME")


def _row(recipe: "Recipe") -> dict[str, str]:
    return {
        "name": recipe.name,
        "data": recipe.config.data.dataset,
        "model": recipe.config.model.name,
        "accuracy": recipe.expected_accuracy,
        "time": recipe.time,
    }
