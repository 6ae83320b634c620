"""Every public name of a package is there, and somebody else uses it."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = sorted(path.parent.name for path in (ROOT / "imgclf").glob("*/__init__.py"))
# Called by a library, which knows them by name.
CALLED_FROM_OUTSIDE = {
    "aggregate_multi_layers": "pytorch-grad-cam",
    "compute_cam_per_layer": "pytorch-grad-cam",
    "set_next_batch": "pytorch-grad-cam",
    "format_options": "Typer",
    "get_next": "ONNX Runtime's quantisation",
    "handle_exit": "uvicorn",
    "reset_classifier": "timm",
}


@pytest.mark.parametrize("package", PACKAGES)
def test_every_announced_name_can_be_had(package: str) -> None:
    """A name in ``__all__`` that its module has lost is found here, not by a user."""
    module = import_module(f"imgclf.{package}")
    assert [name for name in getattr(module, "__all__", ()) if not hasattr(module, name)] == []


def test_no_public_name_is_used_by_tests_alone() -> None:
    """What only tests use is dead, or hides that the product goes another way; imports do not count as use."""
    trees = {path: ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "imgclf").rglob("*.py")}
    used = Counter(word for tree in trees.values() for word in _used(tree))
    for pattern in ("*.html", "*.txt", "*.js"):
        for path in (ROOT / "imgclf").rglob(pattern):
            used.update(re.findall(r"\w+", path.read_text(encoding="utf-8")))
    used.update(re.findall(r"\w+", (ROOT / "pyproject.toml").read_text(encoding="utf-8")))
    used.update(import_module("imgclf").__all__)
    unused = [
        f"{path.relative_to(ROOT)}: {name}"
        for path, tree in sorted(trees.items())
        for name in _defined(tree)
        if not used[name] and name not in CALLED_FROM_OUTSIDE
    ]
    assert unused == []


def _defined(tree: ast.Module) -> Iterator[str]:
    """Public functions, classes and methods, without those that a decorator hands to somebody (routes, validators)."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
                    decorators = {ast.unparse(one).partition("(")[0] for one in inner.decorator_list}
                    if not inner.name.startswith("_") and decorators <= _PLAIN:
                        yield inner.name


_PLAIN = {"final", "dataclass", "dataclasses.dataclass", "classmethod", "staticmethod", "property", "cache"}
_PLAIN |= {"cached_property", "contextmanager", "runtime_checkable"}


def _used(tree: ast.Module) -> Iterator[str]:
    """Names and attributes that are read, keyword arguments, and words of strings that are no docstring."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and node.body
        and isinstance(node.body[0], ast.Expr)
    }
    announced = {
        id(item)
        for node in tree.body
        if isinstance(node, ast.Assign)
        and ast.unparse(node.targets[0]) in ("__all__", "__getattr__", "_LAZY")
        for item in ast.walk(node.value)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name):
            yield node.id
        elif isinstance(node, ast.Attribute):
            yield node.attr
        elif isinstance(node, ast.Constant) and id(node) not in docstrings | announced:
            yield from re.findall(r"\w+", str(node.value))
