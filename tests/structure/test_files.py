"""Files stay short and are named after what they hold."""

from pathlib import Path

from benchmarks.structure import measure

ROOT = Path(__file__).parents[2]
FILES = sorted(path for folder in ("imgclf", "tests", "docs") for path in (ROOT / folder).rglob("*.py"))
FORBIDDEN = {
    "utils",
    "util",
    "helpers",
    "helper",
    "manager",
    "process",
    "handle",
    "handler",
    "misc",
    "common",
}


def test_no_file_is_longer_than_300_lines() -> None:
    """A longer file holds more than one idea; tests have 400, being lists."""
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES
    }
    limits = {name: 400 if name.startswith("tests/") else 300 for name in lengths}
    assert {name: length for name, length in lengths.items() if length > limits[name]} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    """Decorators, signature and docstring included, as benchmarks/structure.py counts them."""
    functions = measure(ROOT / "imgclf").functions
    assert {one.place: one.lines for one in functions if one.lines > 60} == {}


def test_no_file_is_named_after_nothing() -> None:
    """`utils` says nothing about its content."""
    named = [path for path in FILES if FORBIDDEN & set(path.stem.split("_"))]
    assert named == []


def test_every_module_says_what_it_is() -> None:
    """A module begins with a sentence."""
    silent = [path for path in FILES if path.is_relative_to(ROOT / "imgclf") and not _begins_with_text(path)]
    assert silent == []


def _begins_with_text(path: Path) -> bool:
    return path.read_text(encoding="utf-8").startswith(('"""', 'r"""'))
