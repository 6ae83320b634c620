"""Recipes: the one validated config, and the published ones that come with the package.

In reading order: ``config.py`` (every setting), ``flags.py`` (which of them are options), ``auto.py`` (what ``auto`` means),
``overrides.py``, ``mistakes.py``, ``library.py`` (the published ones).
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily
from imgclf.recipes.config import (
    AugmentConfig,
    Config,
    DataConfig,
    HardwareConfig,
    ImageConfig,
    NamedArgs,
    OptimizerConfig,
    SchedulerConfig,
    TrainingConfig,
)
from imgclf.recipes.library import Recipe, list_recipes, load_config_file, load_recipe, recipe_text
from imgclf.recipes.overrides import apply_overrides, build_config

if TYPE_CHECKING:
    from imgclf.recipes.mistakes import expected

__all__ = [
    "AugmentConfig",
    "Config",
    "DataConfig",
    "HardwareConfig",
    "ImageConfig",
    "NamedArgs",
    "OptimizerConfig",
    "Recipe",
    "SchedulerConfig",
    "TrainingConfig",
    "apply_overrides",
    "build_config",
    "expected",
    "list_recipes",
    "load_config_file",
    "load_recipe",
    "recipe_text",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(__name__, {"expected": "imgclf.recipes.mistakes"})
