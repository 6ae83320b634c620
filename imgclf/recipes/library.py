"""The recipes that come with the package, one TOML file each, and recipe files of the user's own."""

import tomllib
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

from imgclf.errors import ConfigError, suggest
from imgclf.recipes.config import Config
from imgclf.recipes.overrides import build_config
from imgclf.words import first_line


@dataclass(frozen=True)
class Recipe:
    """A published recipe: what it says of itself, and its config."""

    name: str
    summary: str
    expected_accuracy: str
    time: str
    source: str
    config: Config


def list_recipes() -> list[Recipe]:
    """Return the recipes that come with the package, by name."""
    return [load_recipe(name) for name in _names()]


def recipe_text(name: str) -> str:
    """Return the TOML text of a recipe that comes with the package.

    Raises:
        ConfigError: there is no such recipe.
    """
    if name not in _names():
        raise ConfigError(
            f"Unknown recipe '{name}'.{suggest(name, _names())} Known: {', '.join(_names())}. "
            f"To use a file of your own, give its path: --recipe my-recipe.toml."
        )
    return (files("imgclf.recipes") / f"{name}.toml").read_text(encoding="utf-8")


def load_recipe(name_or_file: str) -> Recipe:
    """Load a recipe by name, or from a TOML file.

    Raises:
        ConfigError: there is no such recipe, or the file does not fit.
    """
    path = Path(name_or_file)
    if path.suffix == ".toml":
        return _parse(_read(path), name=path.stem, origin=str(path))
    return _parse(recipe_text(name_or_file), name=name_or_file, origin=f"recipe {name_or_file}")


def load_config_file(path: Path) -> Config:
    """Load the config of a run (``config.toml`` inside the folder) or of a TOML file.

    Raises:
        ConfigError: there is no such file, or it does not fit.
    """
    file = path / "config.toml" if path.is_dir() else path
    return _parse(_read(file), name=file.stem, origin=str(file)).config


def _names() -> list[str]:
    return sorted(
        item.name.removesuffix(".toml")
        for item in files("imgclf.recipes").iterdir()
        if item.name.endswith(".toml")
    )


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a TOML file ({first_line(error)}).") from None


def _parse(text: str, name: str, origin: str) -> Recipe:
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{origin}: not valid TOML: {first_line(error)}.") from None
    about = values.get("recipe", {})
    if not isinstance(about, dict) or not all(isinstance(text, str) for text in about.values()):
        raise ConfigError(f'{origin}: [recipe] should be a table of texts such as summary = "...".')
    return Recipe(
        name=name,
        summary=about.get("summary", ""),
        expected_accuracy=about.get("expected_accuracy", "not stated"),
        time=about.get("time", "not stated"),
        source=about.get("source", "not stated"),
        config=build_config(values, f"{origin}: "),
    )
