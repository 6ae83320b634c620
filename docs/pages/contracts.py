"""The packages and how they may import each other, read from the import contracts in pyproject.toml."""

import ast
import re
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "imgclf"


def contracts() -> list[dict[str, Any]]:
    """Return the contracts of import-linter in the order of the file."""
    found: list[dict[str, Any]] = _project()["tool"]["importlinter"]["contracts"]
    return found


def layers() -> list[list[str]]:
    """Return the layers from the top to the ground, each with the packages that lie side by side in it."""
    lines = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    return [[name.strip() for name in re.split(r"[|:]", line)] for line in lines]


def said(name: str) -> str:
    """Return the docstring of a package or module of imgclf by its name below it, such as ``data.images``."""
    path = PACKAGE.joinpath(*name.split("."))
    file = path / "__init__.py" if path.is_dir() else path.with_suffix(".py")
    return ast.get_docstring(ast.parse(file.read_text(encoding="utf-8"))) or ""


def declared(group: str) -> list[str]:
    """Return the names that our own pyproject declares in a group of entry points."""
    return sorted(_project()["project"]["entry-points"].get(group, {}))


def groups() -> list[str]:
    """Return the groups of entry points that our own pyproject fills."""
    return sorted(_project()["project"]["entry-points"])


def _project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
