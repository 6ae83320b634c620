"""One dimension of a search space: a range of numbers, or a list of values."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from imgclf.errors import ConfigError, suggest

if TYPE_CHECKING:
    from optuna import Trial

RANGE_KEYS = ("low", "high", "log", "step")
_DIGITS = 4  # of a sampled number: readable, and finer than any effect


@dataclass(frozen=True)
class Range:
    """Numbers from ``low`` to ``high``, both included: whole ones where all that is given is whole.

    Attributes:
        low: the smallest.
        high: the largest.
        log: draw evenly in the logarithm.
        step: the distance of the numbers that may be drawn; None is 1 for whole numbers, else any number.
    """

    low: float
    high: float
    log: bool = False
    step: float | None = None

    @property
    def whole(self) -> bool:
        """Whether it draws whole numbers."""
        return all(isinstance(value, int) for value in (self.low, self.high, self.step or 1))

    @property
    def scale(self) -> Literal["linear", "log"]:
        """The axis of its picture."""
        return "log" if self.log else "linear"

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values whose validity speaks for all."""
        return (self.low, self.high)

    def sample(self, trial: "Trial", key: str) -> Any:
        """Let Optuna draw a value."""
        if self.whole:
            return trial.suggest_int(
                key, int(self.low), int(self.high), step=int(self.step or 1), log=self.log
            )
        return trial.suggest_float(key, self.low, self.high, step=self.step, log=self.log)

    def value(self, sampled: Any) -> Any:
        """Return what the config gets: a fraction is rounded to four digits, within the range."""
        if self.whole:
            return sampled
        return min(max(float(f"{sampled:.{_DIGITS}g}"), float(self.low)), float(self.high))

    def to_toml(self) -> Any:
        """Return what a TOML file holds."""
        values: dict[str, Any] = {"low": self.low, "high": self.high}
        if self.log:
            values["log"] = True
        return values if self.step is None else {**values, "step": self.step}


@dataclass(frozen=True, eq=False)
class Choice:
    """One of a few values of any kind that TOML knows; they have no order."""

    values: tuple[Any, ...]
    scale: Literal["choice"] = "choice"

    @property
    def probes(self) -> tuple[Any, ...]:
        """Values whose validity speaks for all."""
        return self.values

    def sample(self, trial: "Trial", key: str) -> Any:
        """Let Optuna draw a value; it knows them by their text, as it stores no tables."""
        return trial.suggest_categorical(key, [_label(value) for value in self.values])

    def value(self, sampled: Any) -> Any:
        """Return what the config gets."""
        return next(value for value in self.values if _label(value) == sampled)

    def to_toml(self) -> Any:
        """Return what a TOML file holds."""
        return list(self.values)


Dimension = Range | Choice


def parse_dimension(key: str, given: Any) -> Dimension:
    """Read what a space file says of one key.

    Args:
        key: dotted, for messages.
        given: a list of values, or a table with low, high and perhaps log or step.

    Raises:
        ConfigError: it is neither, or describes nothing to search.
    """
    if isinstance(given, list):
        return _choice(key, given)
    if isinstance(given, Mapping):
        return _range(key, given)
    raise ConfigError(
        f"{key}: expected a list of values or a table such as {{ low = 1e-4, high = 1e-1, log = true }} "
        f"(given: {given!r})."
    )


def _choice(key: str, given: list[Any]) -> Choice:
    labels = [_label(value) for value in given]
    if len(labels) < 2:
        raise ConfigError(f"{key}: a list needs two values or more to choose from (given: {given!r}).")
    if twice := [label for label in labels if labels.count(label) > 1]:
        raise ConfigError(f"{key}: {twice[0]} stands twice in the list.")
    return Choice(tuple(given))


def _range(key: str, given: Mapping[str, Any]) -> Range:
    for name in given:
        if name not in RANGE_KEYS:
            raise ConfigError(
                f"{key}: unknown key '{name}'.{suggest(name, RANGE_KEYS)} Known here: {', '.join(RANGE_KEYS)}."
            )
    for name in ("low", "high", "step"):
        if name not in given and name != "step":
            raise ConfigError(f"{key}: {name} is missing.")
        if name in given and (isinstance(given[name], bool) or not isinstance(given[name], int | float)):
            raise ConfigError(f"{key}: {name} should be a number (given: {given[name]!r}).")
    if not isinstance(given.get("log", False), bool):
        raise ConfigError(f"{key}: log should be true or false (given: {given['log']!r}).")
    _check_range(key, dimension := Range(**given))
    return dimension


def _check_range(key: str, dimension: Range) -> None:
    low, high, step = dimension.low, dimension.high, dimension.step
    if not low < high:
        raise ConfigError(f"{key}: low ({low}) should be less than high ({high}).")
    if dimension.log and low <= 0:
        raise ConfigError(f"{key}: on a logarithmic scale low should be greater than 0 (given: {low}).")
    if step is None:
        return
    if dimension.log:
        raise ConfigError(f"{key}: log and step exclude each other: leave one of them out.")
    if step <= 0:
        raise ConfigError(f"{key}: step should be greater than 0 (given: {step}).")
    if abs((high - low) / step - round((high - low) / step)) > 1e-9:
        raise ConfigError(f"{key}: steps of {step} from {low} do not end at {high}.")


def _label(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)
