"""Which letters a figure can show on this machine, and what stands for a class name that it cannot.

DejaVu Sans comes with matplotlib and has Latin, Greek, Cyrillic, Arabic and Hebrew letters. For Chinese, Japanese,
Korean and others the machine's own fonts are asked. Where none has a name's letters, figures say "class 3" (counted from
1, in the order of the classes), and the pages, whose browser has fonts of its own, tell which class that is.
"""

from collections.abc import Sequence
from functools import cache
from pathlib import Path

from matplotlib import font_manager, get_data_path
from matplotlib.ft2font import FT2Font

DEFAULT = "DejaVu Sans"
# What systems ship: Linux distributions, Windows, macOS.
_OTHERS = (
    "Noto Sans CJK SC",
    "Noto Sans CJK JP",
    "Noto Sans CJK KR",
    "Noto Sans SC",
    "Noto Sans JP",
    "Noto Sans KR",
    "WenQuanYi Zen Hei",
    "WenQuanYi Micro Hei",
    "Microsoft YaHei",
    "SimHei",
    "Yu Gothic",
    "MS Gothic",
    "Malgun Gothic",
    "PingFang SC",
    "Hiragino Sans",
    "Apple SD Gothic Neo",
    "NanumGothic",
    "Noto Sans Devanagari",
    "Noto Sans Thai",
    "Noto Sans Bengali",
    "Noto Sans Tamil",
    "Nirmala UI",
    "Leelawadee UI",
    "Arial Unicode MS",
)


@cache
def families() -> tuple[str, ...]:
    """Return the fonts in which figures look for a letter, the first that has it first."""
    installed = {font.name for font in font_manager.fontManager.ttflist}
    return (DEFAULT, *(name for name in _OTHERS if name in installed))


def can_show(text: str) -> bool:
    """Return whether every letter of a text is in one of the fonts."""
    return all(character.isspace() or ord(character) in _characters() for character in text)


def names_in_figures(class_names: Sequence[str]) -> tuple[str, ...]:
    """Return how figures call the classes: by their names, or by number where the letters are missing."""
    return tuple(
        name if can_show(name) else f"class {number}" for number, name in enumerate(class_names, start=1)
    )


def legend(class_names: Sequence[str]) -> str:
    """Return the sentence that tells which classes the numbers are; nothing where figures show all names."""
    shown = names_in_figures(class_names)
    told = [f"{one} is {name}" for one, name in zip(shown, class_names, strict=True) if one != name]
    return (
        f"No font on this machine has the letters of some names. In the figures, {', '.join(told)}."
        if told
        else ""
    )


def font_file(text: str, *, bold: bool = False) -> Path:
    """Return the file of the first font that has all letters of a text, DejaVu Sans where none has."""
    default = Path(get_data_path(), "fonts", "ttf", f"DejaVuSans{'-Bold' if bold else ''}.ttf")
    for family in families()[1:]:
        if all(character.isspace() or ord(character) in _characters_of(default) for character in text):
            break
        found = Path(font_manager.findfont(family))
        if all(character.isspace() or ord(character) in _characters_of(found) for character in text):
            return found
    return default


@cache
def _characters() -> frozenset[int]:
    files = [Path(font_manager.findfont(family)) for family in families()]
    return frozenset().union(*(_characters_of(file) for file in files))


@cache
def _characters_of(file: Path) -> frozenset[int]:
    return frozenset(FT2Font(str(file)).get_charmap())
