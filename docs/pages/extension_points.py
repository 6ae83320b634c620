"""Everything that an installed package can bring, with the source of what each thing must have."""

import inspect
import re
import textwrap
from importlib import import_module
from pathlib import Path
from typing import Any

from imgclf.data.plugin import DatasetPlugin, DatasetReader
from imgclf.plugins import ExtensionPoint
from pages.contracts import PACKAGE, declared

_INTRODUCTION = """# What a package can bring

imgclf finds what people bring by entry points: a Python package declares a name in one of the groups below, and after
`pip install` the name works in every command. imgclf's own come by the same road: `pyproject.toml` declares them in the
same groups. Nothing is imported before somebody asks for it by name; a name that two packages declare is an error, and
`imgclf doctor` lists what is installed and what fails to load.

| Group | What it adds | How |
|---|---|---|
"""

_MODELS = """A module. Importing it registers its networks with timm (`timm.models.register_model`); the entry point has the
name of a network. What a network must have is timm's own interface:

```python
class Network(nn.Module):
    num_features: int  # length of the embedding
    num_classes: int
    feature_info: list[dict]  # where feature maps can be taken, for `explain`

    def get_classifier(self) -> nn.Module: ...

    def reset_classifier(self, num_classes: int, global_pool: str | None = None) -> None: ...

    def forward_features(self, x: Tensor) -> Tensor: ...

    def forward_head(self, x: Tensor, pre_logits: bool = False) -> Tensor: ...
```
"""


def page() -> str:
    """Return the page."""
    points = extension_points()
    kinds = {point.group: [each.kind for each in points if each.group == point.group] for point in points}
    kinds["imgclf.datasets"] = [DatasetPlugin, DatasetReader]
    words = {"imgclf.datasets": "dataset", "imgclf.models": "network"}
    words |= {point.group: point.word for point in points}
    rows = [
        f"| [`{group}`](#{_anchor(group)}) | {word} | {_how(group)} |"
        for group, word in sorted(words.items())
    ]
    parts = [_INTRODUCTION + "\n".join(rows) + "\n"]
    for group in sorted(words):
        ours = ", ".join(f"`{name}`" for name in declared(group)) or "none"
        parts.append(f"## {group}\n\nOurs: {ours}.\n")
        parts += [_source(kind) for kind in kinds.get(group, [])] or [_MODELS]
    return "\n".join(parts)


def extension_points() -> list[ExtensionPoint[Any]]:
    """Return those that the package creates, wherever they stand; a group that is read for two ends has two."""
    found: dict[tuple[str, type], ExtensionPoint[Any]] = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if re.search(r"^\w+.* = ExtensionPoint\(", path.read_text(encoding="utf-8"), re.MULTILINE):
            module = import_module(".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts))
            found |= {
                (value.group, value.kind): value
                for value in vars(module).values()
                if isinstance(value, ExtensionPoint)
            }
    return list(found.values())


def _how(group: str) -> str:
    """Return a link to the page in contributing/ or howto/ that shows how one is added."""
    docs = Path(__file__).parents[1]
    for path in sorted([*(docs / "howto").glob("*.md"), *(docs / "contributing").glob("add-*.md")]):
        text = path.read_text(encoding="utf-8")
        if f'entry-points."{group}"' in text:
            return f"[{text.partition('# ')[2].splitlines()[0]}](../{path.parent.name}/{path.name})"
    return ""


def _anchor(group: str) -> str:
    return group.replace(".", "").lower()


def _source(kind: type) -> str:
    source = textwrap.dedent(inspect.getsource(kind)).rstrip()
    return f"`{kind.__module__}.{kind.__qualname__}`:\n\n```python\n{source}\n```\n"
