"""Read Google-style ``Attributes:`` sections, so that a page and the code cannot differ."""

import dataclasses
import inspect
import re


def attribute_table(record: type) -> str:
    """Return a Markdown table of a dataclass: key, default, meaning.

    Raises:
        KeyError: a field is not described in the docstring.
    """
    meanings = attributes(record)
    rows = ["| Key | Default | Meaning |", "|---|---|---|"]
    for field in dataclasses.fields(record):
        rows.append(f"| `{field.name}` | {_default(field)} | {meanings[field.name]} |")
    return "\n".join(rows) + "\n"


def attributes(record: type) -> dict[str, str]:
    """Return name -> description from the ``Attributes:`` section of a class."""
    text = inspect.getdoc(record) or ""
    section = text.partition("Attributes:\n")[2]
    pairs = re.findall(r"^    (\w+): (.*(?:\n {8}.*)*)", section, re.MULTILINE)
    return {name: markdown(" ".join(words.split())).removesuffix(".") for name, words in pairs}


def markdown(text: str) -> str:
    """Turn the reStructuredText of docstrings into Markdown."""
    return text.replace("``", "`").replace("|", "\\|")


def _default(field: dataclasses.Field[object]) -> str:
    value = field.default
    if field.default_factory is not dataclasses.MISSING:
        value = field.default_factory()
    return "" if value is dataclasses.MISSING else f"`{value}`"
