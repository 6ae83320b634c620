"""The search space: which settings of the recipe are searched, and among which values."""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from imgclf.errors import ConfigError
from imgclf.recipes import Config, apply_overrides
from imgclf.tuning.dimensions import RANGE_KEYS, Choice, Dimension, Range, parse_dimension
from imgclf.words import first_line

if TYPE_CHECKING:
    from optuna import Trial

# These decide on which images a trial is measured, and by what.
_FIXED = (
    "data.dataset",
    "data.val_fraction",
    "data.val_from",
    "data.on_error",
    "training.seed",
    "training.monitor",
)


@dataclass(frozen=True, eq=False)
class Space:
    """What is searched: dotted key -> :class:`Range` or :class:`Choice`."""

    dimensions: Mapping[str, Dimension]

    def sample(self, trial: "Trial") -> dict[str, Any]:
        """Let Optuna draw a value for every key; return key -> value as the config takes it."""
        return self.values({key: one.sample(trial, key) for key, one in self.dimensions.items()})

    def values(self, sampled: Mapping[str, Any]) -> dict[str, Any]:
        """Turn what Optuna drew (or stored) into values of the config."""
        return {key: self.dimensions[key].value(value) for key, value in sampled.items()}

    def to_toml(self) -> dict[str, Any]:
        """Return what :func:`parse_space` reads."""
        return {key: one.to_toml() for key, one in self.dimensions.items()}


def load_space(path: Path, base: Config) -> Space:
    """Read a space from a TOML file.

    Args:
        path: the file.
        base: the recipe that the space's values are laid over.

    Raises:
        ConfigError: it cannot be read, or a key or a value does not fit.
    """
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: cannot be read as a TOML file ({first_line(error)}).") from None
    except tomllib.TOMLDecodeError as error:
        raise ConfigError(f"{path}: not valid TOML: {first_line(error)}.") from None
    return parse_space(values, base, origin=f"{path}: ")


def parse_space(values: Mapping[str, Any], base: Config, origin: str = "") -> Space:
    """Read a space and try its values on the recipe.

    Args:
        values: dotted keys, or tables of them, each with a list of values or a table of low and high.
        base: the recipe.
        origin: how a message begins ("space.toml: ").

    Raises:
        ConfigError: a key or a value does not fit the recipe, or must not be searched.
    """
    try:
        found = {key: parse_dimension(key, given) for key, given in _flat(values)}
        if not found:
            raise ConfigError('there is nothing to search. Write for example "optimizer.lr" = [0.001, 0.01].')
        space = Space({key: found[key] for key in sorted(found, key=_order)})
        for key, dimension in space.dimensions.items():
            _check(key, dimension, base)
    except ConfigError as error:
        # The config names its command-line flag where the key leads nowhere; here the key stands in a file.
        raise ConfigError(origin + str(error).removeprefix("--set ")) from None
    return space


def default_space(base: Config) -> Space:
    """Return the usual suspects: learning rate, weight decay, batch size, dropout, label smoothing.

    Args:
        base: the recipe; the rate and the batch size are searched around its own.
    """
    rate, batch = base.optimizer.lr, base.training.batch_size
    dimensions: dict[str, Dimension] = {
        "optimizer.lr": Range(1e-4, 1e-2, log=True)
        if rate == "auto"
        else Range(rate / 10, rate * 10, log=True),
        "optimizer.weight_decay": Range(1e-5, 1e-1, log=True),
        "training.batch_size": Choice((max(2, batch // 2), max(3, batch), max(4, 2 * batch))),
        "head.dropout": Range(0.0, 0.5, step=0.1),
    }
    if base.loss.name == "CrossEntropyLoss":
        dimensions["loss.label_smoothing"] = Range(0.0, 0.2, step=0.05)
    return Space(dimensions)


def _flat(values: Mapping[str, Any], parents: tuple[str, ...] = ()) -> Iterator[tuple[str, Any]]:
    """Yield dotted keys: ``optimizer.lr = ...`` without quotes is a table in TOML."""
    for name, given in values.items():
        key = (*parents, name)
        if isinstance(given, Mapping) and given and not set(given) & set(RANGE_KEYS):
            yield from _flat(given, key)
        else:
            yield ".".join(key), given


def _order(key: str) -> tuple[int, bool, str]:
    """Whole tables first, then names: both drop the arguments of what they replace."""
    return (key.count("."), not key.endswith(".name"), key)


def _check(key: str, dimension: Dimension, base: Config) -> None:
    if any(fixed == key or fixed.startswith(f"{key}.") for fixed in _FIXED):
        raise ConfigError(
            f"{key} cannot be searched: it changes what trials are measured on, so they could not be compared."
        )
    for value in dimension.probes:
        apply_overrides(base, {key: value})
