"""`imgclf recipes`."""

import json
import tomllib
from collections.abc import Callable

from imgclf.recipes import list_recipes, recipe_text

RunCli = Callable[..., object]


def test_list_shows_every_recipe(run_cli: RunCli) -> None:
    """Name, model, accuracy and time, narrow enough for a terminal of 80 columns, where a frame takes some."""
    result = run_cli("recipes")
    header, *rows = result.out.splitlines()
    assert header.split() == ["name", "model", "accuracy", "time"]
    assert max(len(row) for row in (header, *rows)) <= 74
    assert [row.split()[0] for row in rows] == [recipe.name for recipe in list_recipes()]
    assert result.err == "Next: imgclf train --recipe NAME\n"


def test_list_as_json(run_cli: RunCli) -> None:
    """A program reads the summary and the source too."""
    rows = json.loads(run_cli("recipes", "--json").out)
    assert set(rows[0]) == {"name", "data", "model", "accuracy", "time", "summary", "source"}


def test_show_prints_the_file(run_cli: RunCli) -> None:
    """Comments and all, ready to be redirected into a file."""
    result = run_cli("recipes", "show", "cnn-cifar10")
    assert result.out == recipe_text("cnn-cifar10")
    assert tomllib.loads(result.out)["model"]["name"] == "cnn3"


def test_show_without_a_name_says_what_is_missing(run_cli: RunCli) -> None:
    """Wrong usage is exit 2."""
    result = run_cli("recipes", "show")
    assert (result.code, result.err) == (
        2,
        "Error: 'imgclf recipes show' needs a name, for example: imgclf recipes show resnet9-cifar10\n",
    )


def test_show_of_an_unknown_name_suggests_the_nearest(run_cli: RunCli) -> None:
    """One line, exit 1."""
    result = run_cli("recipes", "show", "cnn-cifar")
    assert result.code == 1
    assert result.err.startswith("Error: Unknown recipe 'cnn-cifar'. Did you mean 'cnn-cifar10'? Known: ")
