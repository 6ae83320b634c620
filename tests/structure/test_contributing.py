"""The plan of the house is in the house, and keeps up with it."""

import ast
import re
from pathlib import Path

from imgclf.plugins import plugin_entry_points

ROOT = Path(__file__).parents[2]
PAGES = ROOT / "docs" / "contributing"


def test_every_package_is_on_the_architecture_page() -> None:
    """A package that the drawing or the text leaves out would have to be found by chance."""
    page = (PAGES / "architecture.md").read_text(encoding="utf-8")
    drawing = (ROOT / "docs" / "images" / "architecture.svg").read_text(encoding="utf-8")
    packages = [path.parent.name for path in (ROOT / "imgclf").glob("*/__init__.py")]
    assert [
        name for name in packages if f"### `{name}`\n" not in page or f">{name}</text>" not in drawing
    ] == []


def test_every_extension_point_is_documented_with_an_example() -> None:
    """Each group of entry points that the package reads or fills has its section, and a page that shows one."""
    page = (PAGES / "extension-points.md").read_text(encoding="utf-8")
    missing = [group for group in _groups() if f"\n## {group}\n" not in page]
    assert missing == []
    shown = "".join(
        path.read_text(encoding="utf-8") for folder in ("howto", "contributing") for path in _pages(folder)
    )
    assert [group for group in _groups() if f'entry-points."{group}"' not in shown] == []


def test_every_extension_point_is_used_by_ourselves_or_looked_up() -> None:
    """What pyproject declares can be found by the installed package."""
    declared = re.findall(r'entry-points\."(imgclf\.\w+)"', _text("pyproject.toml"))
    assert [group for group in declared if not plugin_entry_points(group)] == []


def test_links_of_the_contributing_page_lead_somewhere() -> None:
    """Each relative link names a file."""
    links = re.findall(r"\]\(([^)#:]+)\)", _text("CONTRIBUTING.md"))
    assert [link for link in links if not (ROOT / link).exists()] == []
    assert len(links) > 5


def test_files_that_the_contributing_pages_name_exist() -> None:
    """A page that sends its reader to a file that has moved is worse than none."""
    generated = ("architecture.md", "extension-points.md")  # their words are docstrings
    pages = [
        page for page in [*_pages("contributing"), ROOT / "CONTRIBUTING.md"] if page.name not in generated
    ]
    pattern = re.compile(r"`((?:imgclf|tests|docs|benchmarks)/[a-z0-9_/.-]+)`")
    named = {
        (page.name, name) for page in pages for name in pattern.findall(page.read_text(encoding="utf-8"))
    }
    assert [(page, name) for page, name in sorted(named) if not (ROOT / name).exists()] == []
    assert len(named) > 10


def _groups() -> list[str]:
    """The groups that pyproject fills, and those that the code looks up."""
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "imgclf").rglob("*.py"))
    looked_up = re.findall(r'^\w+.* = ExtensionPoint\(\s*"(imgclf\.\w+)"', code, re.MULTILINE)
    declared = re.findall(r'entry-points\."(imgclf\.\w+)"', _text("pyproject.toml"))
    return sorted({*looked_up, *declared, "imgclf.datasets", "imgclf.models"})


def _pages(folder: str) -> list[Path]:
    return sorted((ROOT / "docs" / folder).glob("*.md"))


def _text(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def test_every_package_names_its_modules_in_reading_order() -> None:
    """The docstring of a package's ``__init__``, which the architecture page shows, leaves none out."""
    missing = {}
    for init in sorted((ROOT / "imgclf").glob("*/__init__.py")):
        text = init.read_text(encoding="utf-8")
        quoted = " ".join(re.findall(r"``([^`]+)``", ast.get_docstring(ast.parse(text)) or ""))
        modules = {path.stem for path in init.parent.glob("*.py")} - {"__init__"}
        rooms = {path.parent.name for path in init.parent.glob("*/__init__.py")}
        missing[init.parent.name] = sorted((modules | rooms) - set(re.findall(r"\w+", quoted)))
    assert {package: names for package, names in missing.items() if names} == {}
