"""What Typer says of a wrong option, in our words."""

from typing import Any

import typer


def tell(error: typer.TyperException) -> None:
    """Show the command's usage and what is wrong with a value."""
    error.message = _in_our_words(error)
    shown: Any = error  # every error that Typer raises itself shows itself; its public base does not say so
    shown.show()


def _in_our_words(error: typer.TyperException) -> str:
    problems: Any = getattr(error.__cause__, "errors", None)
    if problems is None:  # no value, but an option or argument that is missing or unknown
        return error.message
    from imgclf.recipes import expected

    first = problems()[0]
    if first["type"] == "value_error":
        return str(first["ctx"]["error"])
    return f"it should be {expected(first)} (given: {first['input']!r})."
