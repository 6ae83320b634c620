"""The parts that pages are made of. Each takes plain values, escapes them, and returns HTML.

A value that is :class:`markupsafe.Markup` already is HTML and stays as it is; so the parts can stand in one another.
"""

import base64
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from markupsafe import Markup, escape

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


def sentence_html(text: str, tone: Tone = "plain") -> Markup:
    """Return a paragraph; any tone but ``plain`` sets it in a box of that colour."""
    if tone == "plain":
        return Markup("<p>{}</p>").format(text)
    return Markup('<p class="note {}">{}</p>').format(tone, text)


def tiles_html(tiles: Iterable[Tile]) -> Markup:
    """Return a row of figures that should be seen first."""
    one = Markup(
        '<div class="tile"><div class="name">{}</div><div class="value">{}</div><div class="more">{}</div></div>'
    )
    body = Markup("").join(one.format(tile.name, tile.value, tile.more) for tile in tiles)
    return Markup('<div class="tiles">{}</div>').format(body)


def table_html(columns: Sequence[str], rows: Iterable[Sequence[Any]]) -> Markup:
    """Return a table that scrolls within itself and sorts when a heading is clicked.

    Args:
        columns: the headings.
        rows: as many cells as columns; None is empty, a float gets four digits. A column of numbers is set to
            the right.
    """
    cells = [[_cell(cell) for cell in row] for row in rows]
    numeric = [_is_numeric(column) for column in zip(*cells, strict=True)] or [False] * len(columns)
    heads = Markup("").join(
        Markup('<th scope="col"{}><button>{}</button></th>').format(_number_class(right), name)
        for name, right in zip(columns, numeric, strict=True)
    )
    body = Markup("").join(_row(row, numeric) for row in cells)
    return Markup(
        '<div class="scroll" tabindex="0"><table><thead><tr>{}</tr></thead><tbody>{}</tbody></table></div>'
    ).format(heads, body)


def meter_html(share: float, text: str) -> Markup:
    """Return a small bar of ``share`` in [0, 1] with its text, for a table cell."""
    width = f"{100 * min(max(share, 0.0), 1.0):.0f}"
    return Markup('<span class="meter"><i style="width:{}%"></i></span>{}').format(width, text)


def figure_html(image: Path | bytes, caption: str = "", *, photo: bool = False) -> Markup:
    """Return a picture with its caption.

    Args:
        image: a file or the bytes of a PNG, JPEG, GIF or WebP.
        caption: plain text; also what a screen reader says.
        photo: keep its colours in dark mode. A chart (the default) is turned to a dark ground there.
    """
    style = "photo" if photo else "chart"
    return Markup('<figure><img class="{}" src="{}" alt="{}"><figcaption>{}</figcaption></figure>').format(
        style, data_uri(image), caption, caption
    )


def figures_html(figures: Iterable[str]) -> Markup:
    """Set figures from :func:`figure_html` side by side where the page is wide enough."""
    return Markup('<div class="figures">{}</div>').format(Markup("").join(map(Markup, figures)))


def gallery_html(items: Iterable[GalleryItem]) -> Markup:
    """Return small pictures in a grid that fits any width."""
    return Markup('<div class="gallery">{}</div>').format(Markup("").join(map(_gallery_figure, items)))


def data_uri(image: Path | bytes) -> str:
    """Return a picture as a ``data:`` address."""
    content = image if isinstance(image, bytes) else image.read_bytes()
    kind = next((name for signature, name in _SIGNATURES if content.startswith(signature)), "png")
    return f"data:image/{kind};base64,{base64.b64encode(content).decode('ascii')}"


def _gallery_figure(item: GalleryItem) -> Markup:
    small = "small" if item.width is not None and item.width <= _SMALL_SIDE else "photo"
    lines = Markup("<br>").join(escape(line) for line in item.caption.splitlines())
    return Markup(
        '<figure><img class="{}" loading="lazy" src="{}" alt="{}"><figcaption><b>{}</b>{}</figcaption></figure>'
    ).format(small, data_uri(item.image), f"{item.title}. {item.caption}", item.title, lines)


def _row(cells: Sequence[str], numeric: Sequence[bool]) -> Markup:
    data = (
        Markup("<td{}>{}</td>").format(_number_class(right), cell)
        for cell, right in zip(cells, numeric, strict=True)
    )
    return Markup("<tr>{}</tr>").format(Markup("").join(data))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return value if isinstance(value, str) else str(value)


def _number_class(right: bool) -> Markup:
    return Markup(' class="number"') if right else Markup("")


def _is_numeric(column: Iterable[str]) -> bool:
    """Whether every filled cell reads as a number ("12", "-0.5", "93.1%", or a meter with one)."""
    filled = [Markup(cell).striptags() for cell in column if cell]
    return bool(filled) and all(cell[:1] in "-+−0123456789" and cell[-1:] in "0123456789%" for cell in filled)
