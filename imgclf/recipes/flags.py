"""The command line's flags for settings: said once, beside the field of the config that they set."""

from collections.abc import Iterator
from dataclasses import dataclass
from types import UnionType
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo


@dataclass(frozen=True)
class Flag:
    """Stands in a field's annotation: the setting has a flag of its own; type and help text are the field's.

    Attributes:
        name: such as ``--epochs``, or ``--on/--off`` for a field whose values are auto, yes and no.
        metavar: the word for the value in the help; empty where the choices stand there.
        panel: the heading of the help under which it is shown.
    """

    name: str
    metavar: str
    panel: str


def flags_of(model: type[BaseModel], table: str = "") -> Iterator[dict[str, Any]]:
    """Yield what the command line must know of each flag: plain values, so that help needs no pydantic.

    The values are ``key``, ``flag``, ``metavar``, ``panel``, ``help``, ``default`` (as text, or None) and ``type``:
    ``int``, ``float``, ``str``, ``switch`` (auto, yes, no) or a list of choices.
    """
    for name, field in model.model_fields.items():
        key = f"{table}.{name}".removeprefix(".")
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from flags_of(field.annotation, key)
        for flag in (one for one in field.metadata if isinstance(one, Flag)):
            yield {
                "key": key,
                "flag": flag.name,
                "metavar": flag.metavar,
                "panel": flag.panel,
                "help": field.description,
                "default": None if field.default is None else str(field.default),
                "type": _kind(field),
            }


def _kind(field: FieldInfo) -> str | list[str]:
    found = list(_kinds(field.annotation))
    if set(found) == {"auto", "yes", "no"}:
        return "switch"
    numbers = [kind for kind in ("int", "float", "str") if kind in found]
    return numbers[0] if numbers else found


def _kinds(annotation: Any) -> Iterator[str]:
    """Yield the names of the scalar types and the choices in an annotation."""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is Literal:
        yield from map(str, arguments)
    elif origin is Annotated:
        yield from _kinds(arguments[0])
    elif origin in (Union, UnionType):
        for one in arguments:
            yield from _kinds(one)
    elif annotation in (int, float, str):
        yield str(annotation.__name__)
