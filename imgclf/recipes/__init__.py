"""Recipes: the one validated config, and the published ones that come with the package."""

from imgclf.recipes.config import Config, NamedArgs
from imgclf.recipes.library import Recipe, list_recipes, load_config_file, load_recipe, recipe_text
from imgclf.recipes.overrides import apply_overrides, build_config

__all__ = [
    "Config",
    "NamedArgs",
    "Recipe",
    "apply_overrides",
    "build_config",
    "list_recipes",
    "load_config_file",
    "load_recipe",
    "recipe_text",
]
