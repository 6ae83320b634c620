"""The parts that pages are made of, macros of ``parts.html``. Each takes plain values and returns them escaped as HTML.

A value that is :class:`markupsafe.Markup` already is HTML and stays as it is; so the parts can stand in one another.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup

from imgclf.reports.templates import template

Tone = Literal["plain", "note", "good", "warn", "bad"]

_SIGNATURES = ((b"\x89PNG", "png"), (b"\xff\xd8", "jpeg"), (b"GIF8", "gif"), (b"RIFF", "webp"))
# Thumbnails up to this side are enlarged with hard pixel edges: an eight-pixel digit blurs to nothing otherwise.
_SMALL_SIDE = 64


@dataclass(frozen=True)
class Tile:
    """A figure that should be seen first: its name, the value, and a smaller line under it."""

    name: str
    value: str
    more: str = ""


@dataclass(frozen=True)
class GalleryItem:
    """A small picture with what there is to say of it.

    Attributes:
        image: a file or the bytes of a PNG, JPEG, GIF or WebP.
        title: the bold first line.
        caption: the lines under it.
        width: the picture's width in pixels where known; small ones are enlarged with hard edges.
    """

    image: Path | bytes
    title: str = ""
    caption: str = ""
    width: int | None = None


@dataclass(frozen=True)
class _Column:
    name: str
    numeric: bool


@dataclass(frozen=True)
class _Picture:
    """A gallery item as the template has it."""

    address: str
    style: str
    title: str
    caption: str


def sentence_html(text: str, tone: Tone = "plain") -> Markup:
    """Return a paragraph; any tone but ``plain`` sets it in a box of that colour."""
    return _part("sentence", text, tone)


def tiles_html(tiles: Iterable[Tile]) -> Markup:
    """Return a row of figures that should be seen first."""
    return _part("tiles", tiles)


def table_html(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return a table that scrolls within itself and sorts when a heading is clicked.

    Args:
        columns: the headings.
        rows: as many cells as columns; None is empty, a float gets four digits. A column of numbers is set to
            the right.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    numeric = [_is_numeric(column) for column in zip(*cells, strict=True)] or [False] * len(columns)
    return _part("table", list(map(_Column, columns, numeric)), cells)


def meter_html(share: float, text: str) -> Markup:
    """Return a small bar of ``share`` in [0, 1] with its text, for a table cell."""
    return _part("meter", f"{100 * min(max(share, 0.0), 1.0):.0f}", text)


def figure_html(image: Path | bytes, caption: str = "", *, photo: bool = False) -> Markup:
    """Return a picture with its caption.

    Args:
        image: a file or the bytes of a PNG, JPEG, GIF or WebP.
        caption: plain text; also what a screen reader says.
        photo: keep its colours in dark mode. A chart (the default) is turned to a dark ground there.
    """
    return _part("figure", data_uri(image), caption, "photo" if photo else "chart")


def figures_html(figures: Iterable[str]) -> Markup:
    """Set figures from :func:`figure_html` side by side where the page is wide enough."""
    return _part("figures", list(map(Markup, figures)))


def gallery_html(items: Iterable[GalleryItem]) -> Markup:
    """Return small pictures in a grid that fits any width."""
    return _part("gallery", map(_picture, items))


def data_uri(image: Path | bytes) -> str:
    """Return a picture as a ``data:`` address."""
    content = image if isinstance(image, bytes) else image.read_bytes()
    kind = next((name for signature, name in _SIGNATURES if content.startswith(signature)), "png")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _part(macro: str, *values: Any) -> Markup:
    """Return what a macro of ``parts.html`` makes of the values."""
    return Markup(getattr(template("parts.html").module, macro)(*values))


def _picture(item: GalleryItem) -> _Picture:
    small = item.width is not None and item.width <= _SMALL_SIDE
    return _Picture(data_uri(item.image), "small" if small else "photo", item.title, item.caption)


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else str(value)


def _is_numeric(column: Iterable[str]) -> bool:
    """Whether every filled cell reads as a number ("12", "-0.5", "93.1%", or a meter with one)."""
    filled = [Markup(cell).striptags() for cell in column if cell]
    return bool(filled) and all(cell[:1] in "-+−0123456789" and cell[-1:] in "0123456789%" for cell in filled)
