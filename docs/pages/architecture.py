"""The page that shows how the house is built, from the import contracts and the packages' own words."""

import re

from pages.contracts import contracts, layers, said
from pages.docstrings import markdown

_INTRODUCTION = """# Architecture

Data flows one way. Everything that a later command needs is in the run directory, and nothing else passes between
commands: a person who deletes the training data can still explain, predict, serve and export.

```text
images ──> data ──> models ──> training ──> run directory ──> evaluate / explain / embed / predict / serve / export
```

The packages lie in layers. A package imports from those below it, never from one beside it or above it, and there is no
circle anywhere. import-linter checks this (`nox -s lint`); the drawing is made from its contracts in `pyproject.toml`.

![The packages in layers; imports run downwards only](../images/architecture.svg)

[The roads](roads.md) walk through the files that three commands enter; [the words](words.md) say what is called how;
[what a package can bring](extension-points.md) lists the plugs.

## The contracts
"""

_RULES = """
Other rules that a tool checks:

- `imgclf --help` imports no torch: what is heavy is imported inside the functions of `cli/` (ruff's `TID253` lists what
  may not stand at the top of a file there, and a test looks at `sys.modules`).
- Functions return records; only `cli/render.py` prints (`T20`), only `figures/` draws.
- No file is longer than 300 lines, no function longer than 60, its signature and its words included.
- Every module and every package begins with a sentence; a package names its modules in the order in which to read them.

## The packages, in reading order

From the ground to the top: each uses only what was told before it.
"""


def page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    parts += [f"- {contract['name']}." for contract in contracts()]
    parts.append(_RULES)
    for band in reversed(layers()):
        parts += [f"### `{name}`\n\n{_flowing(said(name))}\n" for name in band]
    return "\n".join(parts)


def _flowing(text: str) -> str:
    """Return a docstring as Markdown; what it shows indented after a ``::`` becomes a block of code."""
    blocks = []
    for block in re.sub(r":(?:class|func|meth|mod):`[~.]?([^`]+)`", r"`\1`", text).split("\n\n"):
        if block.startswith("    "):
            blocks.append("```text\n" + re.sub(r"^    ", "", block, flags=re.MULTILINE) + "\n```")
        elif block.startswith(">>>"):
            blocks.append(f"```pycon\n{block}\n```")
        else:
            blocks.append(re.sub(r"::$", ":", markdown(block).replace("\\|", "|")))
    return "\n\n".join(blocks)
