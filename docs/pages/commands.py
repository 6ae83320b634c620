"""The help of the program and of each command."""

import os

from typer.main import get_command

from imgclf.cli.main import build_app


def page() -> str:
    """Return the help of the program and of each command, as 80 columns show it."""
    os.environ["COLUMNS"] = "80"
    parts = ["# Commands\n", _fence(_help([]))]
    for name in get_command(build_app([])).commands:
        parts += [f"## imgclf {name}\n", _fence(_help([name]))]
    return "\n".join(parts)


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
