"""A command's options as a few records, and the config's settings as flags.

A command takes what belongs together as one parameter: :class:`OptionGroup`, or :func:`settings`. Typer knows single options only, so :func:`flat` lays them out for it and puts them together again.
"""

import inspect
import json
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from inspect import Parameter
from pathlib import Path
from typing import (
    Annotated,
    Any,
    Literal,
    NoReturn,
    dataclass_transform,
    get_args,
    get_origin,
    get_type_hints,
)

import typer

_TYPES = {"int": int, "float": float, "str": str}


@dataclass_transform(frozen_default=True)
class OptionGroup:
    """Options of a command that belong together: a subclass declares them as a dataclass does its fields.

    Not a dataclass, because three dozen of those would take a tenth of the time in which the program's help is there.
    """

    def __init__(self, **given: Any) -> None:
        vars(self).update({name: getattr(self, name) for name in self.declared()} | given)

    @classmethod
    def declared(cls) -> dict[str, Any]:
        """Return each option's annotation by its name."""
        return get_type_hints(cls, include_extras=True)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is read-only")


@dataclass(frozen=True)
class Settings:
    """Stands in the annotation of a command's parameter: these settings of the config, each with its flag."""

    keys: tuple[str, ...]


def settings(*keys: str) -> Settings:
    """Take these settings of the config (all that have a flag, if none is named) as key -> value of those given."""
    return Settings(keys or tuple(_known()))


def setting(key: str) -> Any:
    """Return Typer's option for a setting, for a command with a default of its own."""
    return _option({**_known()[key], "default": None})


def flat(command: Callable[..., None]) -> Callable[..., None]:
    """Return the command with one parameter an option, as Typer reads it."""
    parts = [_part(parameter) for parameter in inspect.signature(command).parameters.values()]

    def run(**given: Any) -> None:
        tidy = {name: _tidy(value) for name, value in given.items()}
        command(**{part.name: part.gather(tidy) for part in parts})

    parameters = [parameter for part in parts for parameter in part.parameters]
    run.__name__, run.__doc__ = command.__name__, command.__doc__
    run.__annotations__ = {one.name: one.annotation for one in parameters}
    vars(run)["__signature__"] = inspect.Signature(parameters)
    return run


def _tidy(value: Any) -> Any:
    """Take a path through ``..`` straight where a folder on the way is not there: it need not be made for that."""
    if isinstance(value, Path) and ".." in value.parts and not value.parent.exists():
        return Path(os.path.normpath(value))
    return value


@dataclass(frozen=True)
class _Part:
    """One parameter of a command: the options that make it, and how."""

    name: str
    parameters: list[Parameter]
    gather: Callable[[Mapping[str, Any]], Any]


def _part(parameter: Parameter) -> _Part:
    kind = parameter.annotation
    chosen = [one for one in get_args(kind)[1:] if isinstance(one, Settings)]
    if get_origin(kind) is Annotated and chosen:
        return _settings_part(parameter.name, chosen[0].keys)
    if isinstance(kind, type) and issubclass(kind, OptionGroup):
        return _options_part(parameter.name, kind)
    alone = parameter.replace(kind=Parameter.KEYWORD_ONLY)
    return _Part(parameter.name, [alone], lambda given: given[parameter.name])


def _options_part(name: str, kind: type[OptionGroup]) -> _Part:
    parameters = [
        Parameter(option, Parameter.KEYWORD_ONLY, default=getattr(kind, option), annotation=annotation)
        for option, annotation in kind.declared().items()
    ]
    return _Part(name, parameters, lambda given: kind(**{one.name: given[one.name] for one in parameters}))


def _settings_part(name: str, keys: tuple[str, ...]) -> _Part:
    known = {key: _known()[key] for key in keys}
    parameters = {
        key: Parameter(
            _identifier(flag["flag"]),
            Parameter.KEYWORD_ONLY,
            default=None,
            annotation=Annotated[_type(flag["type"]), _option(flag)],
        )
        for key, flag in known.items()
    }

    def gather(given: Mapping[str, Any]) -> dict[str, Any]:
        values = {key: given[parameter.name] for key, parameter in parameters.items()}
        return {key: _value(known[key]["type"], value) for key, value in values.items() if value is not None}

    return _Part(name, list(parameters.values()), gather)


def _option(flag: Mapping[str, Any]) -> Any:
    default = "" if flag["default"] is None else f"  [default: {flag['default']}]"
    return typer.Option(
        flag["flag"],
        metavar=flag["metavar"] or None,
        help=f"{flag['help']}{default}",
        rich_help_panel=flag["panel"],
    )


def _type(kind: str | list[str]) -> Any:
    """The annotation of an option that may be left out."""
    if isinstance(kind, list):
        return Literal[tuple(kind)] | None
    return bool | None if kind == "switch" else _TYPES[kind] | None


def _value(kind: str | list[str], value: Any) -> Any:
    """The config's value: a switch that was given is yes or no there."""
    return value if kind != "switch" else ("yes" if value else "no")


def _identifier(flag: str) -> str:
    return flag.partition("/")[0].lstrip("-").replace("-", "_")


@cache
def _known() -> dict[str, dict[str, Any]]:
    """Every flag by its setting, from a file: the config itself would import pydantic, which help must not."""
    text = Path(__file__).with_name("settings.json").read_text(encoding="utf-8")
    return {flag["key"]: flag for flag in json.loads(text)}
