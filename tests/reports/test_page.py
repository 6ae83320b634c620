"""The page that every report is."""

import os
import re
from html.parser import HTMLParser
from io import BytesIO
from pathlib import Path

import pytest
from markupsafe import Markup
from PIL import Image

from imgclf.reports import (
    GalleryItem,
    Section,
    Tile,
    data_uri,
    figure_html,
    figures_html,
    gallery_html,
    html_page,
    meter_html,
    sentence_html,
    table_html,
    tiles_html,
)


def _image(format_name: str, size: int = 8) -> bytes:
    content = BytesIO()
    Image.new("RGB", (size, size), (200, 10, 10)).save(content, format=format_name)
    return content.getvalue()


class _Balance(HTMLParser):
    """Checks that every element is closed, in order."""

    VOID = frozenset({"meta", "link", "img", "br", "input"})

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def _page() -> str:
    body = (
        tiles_html([Tile("Accuracy", "94%", "of <all>")])
        + table_html(["class", "share"], [["<script>alert(1)</script>", 0.5], ["b", None]])
        + figures_html([figure_html(_image("PNG"), "A & B"), figure_html(_image("JPEG"), photo=True)])
        + gallery_html([GalleryItem(_image("PNG"), "cat", "one\ntwo", 8), GalleryItem(_image("WEBP"), "dog")])
    )
    return html_page(
        "Title <1>", "sub", [Section("First", body), Section("Second", sentence_html("x"), open=False)]
    )


def test_the_page_is_well_formed_and_loads_nothing() -> None:
    """Every element closes, and every address is inside the page."""
    parser = _Balance()
    parser.feed(_page())
    assert not parser.open
    assert all(address.startswith(("data:", "#")) for address in parser.addresses)
    assert "default-src 'none'" in _page()


def test_the_parts_are_built_as_they_were() -> None:
    """Every element and class of each part is that of the stored page; ``IMGCLF_WRITE_SNAPSHOTS=1`` writes it anew."""
    body = re.search(r"<main>.*</main>", _page(), re.DOTALL)
    assert body is not None
    outline = re.sub(r"base64,[\w+/=]+", "base64,...", body[0]).replace("><", ">\n<")
    stored = Path(__file__).parent / "snapshots" / "parts.html"
    if os.environ.get("IMGCLF_WRITE_SNAPSHOTS"):
        stored.write_text(outline, encoding="utf-8")
    assert outline == stored.read_text(encoding="utf-8")


def test_what_is_given_is_escaped() -> None:
    """A class called like a script stays text."""
    page = _page()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in page
    assert "Title &lt;1&gt;" in page


def test_sections_fold_and_many_have_links() -> None:
    """A closed section has no open attribute, and three sections get a row of links."""
    sections = [Section(name, sentence_html(name), open=name != "b") for name in "abc"]
    page = html_page("t", "s", sections)
    assert page.count('<details class="section"') == 3
    assert page.count(" open>") == 2
    assert '<a href="#s2">b</a>' in page
    assert "<nav" not in html_page("t", "s", sections[:2])


def test_columns_of_numbers_are_set_right() -> None:
    """A column is numeric if every filled cell reads as a number, a meter included."""
    table = table_html(["name", "share"], [["a", meter_html(0.5, "50%")], ["b", None], ["7", 0.123456]])
    assert table.count('class="number"') == 4
    assert "0.1235" in table
    assert 'style="width:50%"' in table
    assert "<tbody></tbody>" in table_html(["nothing"], [])


def test_text_cells_are_left_as_they_are() -> None:
    """HTML made by a part stays HTML inside a table."""
    assert "<b>x</b>" in table_html(["a"], [[Markup("<b>x</b>")]])


@pytest.mark.parametrize("format_name", ["PNG", "JPEG", "GIF", "WEBP"])
def test_pictures_are_put_in_with_their_kind(format_name: str, tmp_path: Path) -> None:
    """Bytes and files of each kind become data addresses."""
    content = _image(format_name)
    path = tmp_path / "picture"
    path.write_bytes(content)
    assert data_uri(content).startswith(f"data:image/{format_name.lower()};base64,")
    assert data_uri(path) == data_uri(content)


def test_small_pictures_keep_hard_edges() -> None:
    """A digit of eight pixels is enlarged without blur; a photograph is not."""
    assert 'class="small"' in gallery_html([GalleryItem(_image("PNG"), width=8)])
    assert 'class="photo"' in gallery_html([GalleryItem(_image("PNG", 200), width=200)])


@pytest.mark.parametrize("tone", ["note", "good", "warn", "bad"])
def test_sentences_have_a_tone(tone: str) -> None:
    """A toned sentence stands in a box of that colour."""
    assert f'class="note {tone}"' in sentence_html("x", tone)
    assert sentence_html("x") == "<p>x</p>"
