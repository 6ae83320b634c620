"""The tables of the config, with default, values and meaning of each key."""

from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from imgclf.recipes import Config, NamedArgs


def page() -> str:
    """Return one table for each section of the config."""
    parts = [
        "# Recipe keys\n",
        "A recipe is a TOML file with these tables; `--set table.key=value` reaches each key from the command line. "
        "Keys that are left out keep their default.\n",
    ]
    for name, field in Config.model_fields.items():
        parts.append(f"## {name}\n")
        parts += _section(name, field)
    return "\n".join(parts)


def _section(name: str, field: FieldInfo) -> list[str]:
    model = field.annotation
    assert isinstance(model, type)
    assert issubclass(model, BaseModel)
    default = field.get_default()
    rows = [f"{(model.__doc__ or '').strip()}\n", "| Key | Default | Values | Meaning |", "|---|---|---|---|"]
    nested = []
    for key, inner in model.model_fields.items():
        if isinstance(inner.annotation, type) and issubclass(inner.annotation, BaseModel):
            nested += [f"\n### {name}.{key}\n", *_section(f"{name}.{key}", inner)]
            continue
        value = getattr(default, key)
        shown = "" if value is None else f"`{str(value).lower() if isinstance(value, bool) else value}`"
        values = _values(inner.annotation).replace("|", "\\|")
        rows.append(f"| `{name}.{key}` | {shown} | {values} | {inner.description or ''} |")
    if issubclass(model, NamedArgs):
        rows.append(f"| `{name}.…` | | | Every other key is a keyword argument of what `name` names. |")
    return [*rows, *nested, ""]


def _values(annotation: object) -> str:
    """Say in words what a key takes."""
    words = {
        bool: "true, false",
        int: "whole number",
        float: "number",
        str: "text",
        dict: "table",
        NamedArgs: "table",
    }
    if annotation in words:
        return words[annotation]
    if annotation is type(None):
        return ""
    origin, arguments = get_origin(annotation), get_args(annotation)
    if origin is tuple:
        return f"list of {_values(arguments[0])}s"
    if origin is dict:
        return "table"
    if str(origin) == "typing.Literal":
        return ", ".join(f"`{value}`" for value in arguments)
    if str(origin) == "typing.Annotated":
        return _values(arguments[0])
    return ", ".join(filter(None, map(_values, arguments)))
