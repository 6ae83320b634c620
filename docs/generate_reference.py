"""Write the reference pages that come from the program itself; with --check, fail where they are out of date."""

import argparse
import os
import sys
from pathlib import Path
from typing import get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from typer.main import get_command

from imgclf.cli.main import build_app
from imgclf.recipes import Config, NamedArgs

FOLDER = Path(__file__).parent / "reference"
NOTE = "<!-- Made by docs/generate_reference.py; edit the program instead. -->\n"


def main() -> int:
    """Write or check every generated page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    check = parser.parse_args().check
    stale = [name for name, text in pages().items() if not _settle(FOLDER / name, text, check)]
    for name in stale:
        sys.stderr.write(f"docs/reference/{name} is out of date. Run: python docs/generate_reference.py\n")
    return int(bool(stale))


def pages() -> dict[str, str]:
    """Return file name -> text of each generated page."""
    return {"cli.md": command_page(), "recipe-keys.md": key_page()}


def command_page() -> str:
    """Return the help of the program and of each command, as 80 columns show it."""
    os.environ["COLUMNS"] = "80"
    parts = [NOTE, "# Commands\n", _fence(_help([]))]
    for name in get_command(build_app([])).commands:
        parts += [f"## imgclf {name}\n", _fence(_help([name]))]
    return "\n".join(parts)


def key_page() -> str:
    """Return one table for each section of the config."""
    parts = [
        NOTE,
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


def _help(arguments: list[str]) -> str:
    program = get_command(build_app([]))
    with program.make_context("imgclf", [], resilient_parsing=True) as context:
        if not arguments:
            return str(program.get_help(context))
        command = program.commands[arguments[0]]
        with command.make_context(arguments[0], [], parent=context, resilient_parsing=True) as inner:
            return str(command.get_help(inner))


def _fence(text: str) -> str:
    return f"```text\n{text}\n```\n"


def _settle(path: Path, text: str, check: bool) -> bool:
    """Write the page, or say whether it is as it should be."""
    if check:
        return path.is_file() and path.read_text(encoding="utf-8") == text
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return True


if __name__ == "__main__":
    sys.exit(main())
