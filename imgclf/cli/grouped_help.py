"""Help as plain text with options under headings.

Rich's panels take about 60 ms to import and change with the width of the terminal; this reads the same
everywhere, so the reference page can be made from it.
"""

import re
from typing import Any

from typer.core import TyperCommand

_KIND = re.compile(r" ?<([^<>]*)>")  # what Typer knows of a value: its type or the choices
_RANGE = re.compile(r"(\S+)<=x<=([^]\s]+)")
_LEAST = re.compile(r"x>=([^]\s]+)")
_COLUMN = 24  # A longer name stands on a line of its own.


class GroupedHelpCommand(TyperCommand):
    """A command whose help shows the options under their ``rich_help_panel``, in order of first mention."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write arguments, then each group of options, then what has no group."""
        groups: dict[str, list[tuple[str, str]]] = {}
        for parameter in self.get_params(ctx):
            record = parameter.get_help_record(ctx)
            if record is not None:
                name, text = record
                groups.setdefault(_heading(parameter), []).append((_name(parameter, name), _text(text)))
        names = [name for records in groups.values() for name, _ in records]
        width = max((len(name) for name in names if len(name) <= _COLUMN), default=0)
        for heading in sorted(groups, key=_order):
            with formatter.section(heading):
                # Padded to one width, the texts of all groups begin in the same column.
                formatter.write_dl(
                    [(name.ljust(width), text) for name, text in groups[heading]], col_max=width
                )


def _name(parameter: Any, name: str) -> str:
    """Say ``N`` for a whole number, choices without brackets, and nothing of an argument's type."""
    if parameter.param_type_name == "argument":
        return _KIND.sub("", name)
    return _KIND.sub(lambda kind: f" {'N' if kind[1] in ('int', 'int range') else kind[1]}", name)


def _text(text: str) -> str:
    """Say a range in words: ``0<=x<=1`` is "0 to 1", ``x>=1`` is "from 1"."""
    return _LEAST.sub(r"from \1", _RANGE.sub(r"\1 to \2", text))


def _heading(parameter: Any) -> str:
    if parameter.param_type_name == "argument":
        return "Arguments"
    return str(parameter.rich_help_panel or "Options")


def _order(heading: str) -> int:
    """Arguments first, ungrouped options last; the sort is stable, so the rest stays as it was."""
    return {"Arguments": 0, "Options": 2}.get(heading, 1)
