"""Lay values over a config: a recipe over the defaults, flags over the recipe, ``--set`` over all."""

import tomllib
from collections.abc import Iterable, Mapping
from copy import deepcopy
from typing import Any

from pydantic import ValidationError

from imgclf.errors import ConfigError
from imgclf.recipes.config import Config
from imgclf.recipes.mistakes import describe_mistakes

_RECIPE_TABLE = "recipe"  # what a recipe says of itself; no setting


def build_config(values: Mapping[str, Any], origin: str) -> Config:
    """Validate a nested dictionary into a :class:`Config`.

    Args:
        values: tables of settings, as TOML gives them; a ``recipe`` table is ignored.
        origin: where they come from, as the message begins ("mine.toml: "), or nothing.

    Raises:
        ConfigError: every mistake in one message, each with the nearest known name.
    """
    settings = {key: value for key, value in values.items() if key != _RECIPE_TABLE}
    try:
        return Config.model_validate(settings)
    except ValidationError as error:
        raise ConfigError(origin + describe_mistakes(error)) from None


def apply_overrides(config: Config, flags: Mapping[str, Any], settings: Iterable[str] = ()) -> Config:
    """Return the config with flags and ``--set`` texts laid over it.

    Args:
        config: what to start from.
        flags: dotted key -> value; None means that the flag was not given.
        settings: texts ``a.b=value``, the value written as in TOML (bare words are strings).

    Raises:
        ConfigError: a text is not ``key=value``, or a key or value does not fit.
    """
    values = config.model_dump(mode="json")
    for key, value in flags.items():
        if value is not None:
            _put(values, key, value)
    for text in settings:
        key, separator, value = text.partition("=")
        if not separator or not key.strip():
            raise ConfigError(f"--set {text}: expected key=value, for example --set head.hidden=256.")
        _put(values, key.strip(), _parse_value(value.strip()))
    return build_config(values, origin="")


def _put(values: dict[str, Any], key: str, value: Any) -> None:
    """Set ``values["a"]["b"] = value`` for the key ``a.b``; a new optimiser, scheduler or loss drops old arguments."""
    *tables, last = key.split(".")
    table = values
    for name in tables:
        table = table.setdefault(name, {})
        if not isinstance(table, dict):
            raise ConfigError(f"--set {key}: '{name}' is a value and has no keys of its own.")
    if last == "name" and tables in (["optimizer"], ["scheduler"], ["loss"]) and table.get("name") != value:
        kept = {"lr": table["lr"]} if "lr" in table else {}
        table.clear()
        table.update(kept)
    table[last] = deepcopy(value)


def _parse_value(text: str) -> Any:
    """Read a value as TOML does; what TOML cannot read is a plain string."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        return text
