"""What a search was begun with, kept beside its trials so that it can be continued."""

import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import tomli_w

from imgclf.atomic import write_text
from imgclf.errors import ConfigError
from imgclf.recipes import Config, build_config
from imgclf.tuning.space import Space, parse_space
from imgclf.words import first_line

PrunerName = Literal["median", "hyperband", "none"]


@dataclass(frozen=True, eq=False)
class SearchSettings:
    """A search's recipe, space, pruner and length.

    Attributes:
        config: the recipe; its seed is the search's.
        space: what is searched.
        pruner: what ends bad trials early.
        trials: how many there will be in all.
    """

    config: Config
    space: Space
    pruner: PrunerName
    trials: int

    def to_toml(self) -> dict[str, Any]:
        """Return what ``search.toml`` holds."""
        return {
            "search": {"trials": self.trials, "pruner": self.pruner},
            "space": self.space.to_toml(),
            "config": self.config.to_toml_dict(),
        }

    def difference(self, other: "SearchSettings") -> str | None:
        """Return the first thing that makes two searches incomparable: recipe, space or pruner; None if none does."""
        if _decisive(self.config) != _decisive(other.config):
            return "recipe"
        if self.space.to_toml() != other.space.to_toml():
            return "space"
        return None if self.pruner == other.pruner else "pruner"


def save_settings(path: Path, settings: SearchSettings) -> None:
    """Write ``search.toml``."""
    write_text(path, tomli_w.dumps(settings.to_toml()))


def load_settings(path: Path) -> SearchSettings:
    """Read ``search.toml``.

    Raises:
        ConfigError: it is damaged.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
        search, space, config = values["search"], values["space"], values["config"]
        pruner, trials = search["pruner"], search["trials"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: not the settings of a search ({first_line(error)}).") from None
    if pruner not in get_args(PrunerName) or not isinstance(trials, int):
        raise ConfigError(f"{path}: not the settings of a search (pruner {pruner!r}, trials {trials!r}).")
    base = build_config(config, f"{path}: ")
    return SearchSettings(base, parse_space(space, base, f"{path}: "), pruner, trials)


def _decisive(config: Config) -> dict[str, Any]:
    """The config without what does not change the result."""
    values = config.to_toml_dict()
    del values["hardware"], values["data"]["workers"], values["data"]["memory_budget_gb"]
    return values
