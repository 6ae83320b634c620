"""Recipes by name and by file."""

import re
from pathlib import Path

import pytest

from imgclf.errors import ConfigError
from imgclf.recipes import list_recipes, load_config_file, load_recipe, recipe_text

NAMES = [recipe.name for recipe in list_recipes()]


def test_unknown_recipe_suggests_the_nearest() -> None:
    """The message names what was meant, what there is, and how to give a file."""
    sentence = (
        f"Unknown recipe 'cnn-cifar'. Did you mean 'cnn-cifar10'? Known: {', '.join(NAMES)}. "
        "To use a file of your own, give its path: --recipe my-recipe.toml."
    )
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        recipe_text("cnn-cifar")


def test_recipe_file_is_named_after_itself(tmp_path: Path) -> None:
    """A file of the user's own needs no [recipe] table."""
    file = tmp_path / "mine.toml"
    file.write_text("[training]\nepochs = 3\n", encoding="utf-8")
    recipe = load_recipe(str(file))
    assert (recipe.name, recipe.expected_accuracy, recipe.config.training.epochs) == ("mine", "not stated", 3)


def test_printed_recipe_is_a_recipe_file(tmp_path: Path) -> None:
    """`imgclf recipes show NAME > mine.toml` gives the same config."""
    file = tmp_path / "mine.toml"
    file.write_text(recipe_text("cnn-cifar10"), encoding="utf-8")
    assert load_config_file(file) == load_recipe("cnn-cifar10").config


def test_config_of_a_run_is_found_in_its_folder(tmp_path: Path) -> None:
    """`--config RUN` takes the folder."""
    (tmp_path / "config.toml").write_text("[training]\nepochs = 3\n", encoding="utf-8")
    assert load_config_file(tmp_path).training.epochs == 3


def test_missing_file_is_named(tmp_path: Path) -> None:
    """The path and the system's reason are in the message."""
    file = tmp_path / "mine.toml"
    sentence = f"{file}: cannot be read as a TOML file (No such file or directory)."
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        load_recipe(str(file))


def test_file_that_is_no_toml_is_named(tmp_path: Path) -> None:
    """The parser's own words say where."""
    file = tmp_path / "mine.toml"
    file.write_text("epochs: 3", encoding="utf-8")
    with pytest.raises(
        ConfigError, match=rf"^{re.escape(str(file))}: not valid TOML: .*line 1, column 7\)\.$"
    ):
        load_recipe(str(file))


@pytest.mark.parametrize("text", ["recipe = 3", "[recipe]\ntime = 3"])
def test_recipe_table_holds_texts(tmp_path: Path, text: str) -> None:
    """A [recipe] table that is none is a message, not a traceback."""
    file = tmp_path / "mine.toml"
    file.write_text(text, encoding="utf-8")
    sentence = f'{file}: [recipe] should be a table of texts such as summary = "...".'
    with pytest.raises(ConfigError, match=f"^{re.escape(sentence)}$"):
        load_recipe(str(file))
