"""How long the files and functions of the package are, and how many imports reach past another package's face.

    python benchmarks/structure.py                                       # this checkout
    python benchmarks/structure.py OTHER_CHECKOUT/imgclf --longest 20    # another one, counted the same way

A file counts with all its lines. A function counts from its decorators to its last line, signature and docstring
included, and once more without its docstring, as tables of other projects give it. An import reaches past a face
where it takes from a module of another package of imgclf what that package's ``__init__`` could offer.
Nothing is imported: the files are only read.
"""

import argparse
import ast
import json
import statistics
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

PACKAGE = Path(__file__).parents[1] / "imgclf"


@dataclass(frozen=True)
class Function:
    """One function or method, in lines."""

    place: str
    lines: int
    without_docstring: int


@dataclass(frozen=True)
class Measures:
    """What was counted of one checkout."""

    files: dict[str, int]
    functions: list[Function]
    past_a_face: list[str]


def measure(package: Path) -> Measures:
    """Read every Python file of the package."""
    files, functions, past = {}, [], []
    for path in sorted(package.rglob("*.py")):
        name = path.relative_to(package).as_posix()
        text = path.read_text(encoding="utf-8")
        tree = ast.parse(text)
        files[name] = len(text.splitlines())
        functions += _functions(tree, name)
        past += [f"{name}: {module}" for module in _past_a_face(tree, name)]
    return Measures(files, functions, past)


def _functions(tree: ast.Module, name: str) -> Iterator[Function]:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            begin = min([node.lineno, *(line.lineno for line in node.decorator_list)])
            lines = (node.end_lineno or node.lineno) - begin + 1
            words = node.body[0]
            docstring = 0
            if ast.get_docstring(node, clean=False) is not None:
                docstring = (words.end_lineno or words.lineno) - words.lineno + 1
            yield Function(f"{name}:{node.name}", lines, lines - docstring)


def _past_a_face(tree: ast.Module, name: str) -> Iterator[str]:
    """Modules below another top-level package that the file imports from; one's own package does not count."""
    own = name.split("/", 1)[0].removesuffix(".py")
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("imgclf."):
            _, other, *below = node.module.split(".")
            if other != own and below:
                yield node.module


def _spread(values: list[int]) -> str:
    """Median, ninth decile and greatest."""
    ninth = statistics.quantiles(values, n=10, method="inclusive")[-1]
    return f"{statistics.median(values):.0f}/{ninth:.0f}/{max(values)}"


def table(measures: Measures) -> str:
    """Return the Markdown table."""
    functions = measures.functions
    lengths = list(measures.files.values())
    rows = {
        "files": f"{len(lengths)}",
        "lines": f"{sum(lengths):,}",
        "file median/p90/max": _spread(lengths),
        "files over 300 lines": f"{sum(length > 300 for length in lengths)}",
        "functions": f"{len(functions):,}",
        "function median/p90/max": _spread([function.lines for function in functions]),
        "the same without docstrings": _spread([function.without_docstring for function in functions]),
        "functions over 60 lines": f"{sum(function.lines > 60 for function in functions)}",
        "imports past a package's face": f"{len(measures.past_a_face)}",
    }
    return "\n".join(
        ["| measure | value |", "|---|---|", *(f"| {key} | {value} |" for key, value in rows.items())]
    )


def main() -> None:
    """Print the table, or everything as JSON."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n", 1)[0])
    parser.add_argument("package", type=Path, nargs="?", default=PACKAGE)
    parser.add_argument("--longest", type=int, default=0, metavar="N", help="name the N longest of each")
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    measures = measure(arguments.package)
    if arguments.json:
        print(json.dumps(asdict(measures), indent=1))
        return
    print(table(measures))
    by_lines = sorted(measures.files.items(), key=lambda item: -item[1])[: arguments.longest]
    longest = sorted(measures.functions, key=lambda function: -function.lines)[: arguments.longest]
    for place, lines in [*by_lines, *((function.place, function.lines) for function in longest)]:
        print(f"{lines:6}  {place}")


if __name__ == "__main__":
    main()
