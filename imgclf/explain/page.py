"""``explain.html``: every explained image with its maps on one page."""

from collections.abc import Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from markupsafe import Markup
from PIL import Image

from imgclf.explain.check import CheckRow, lead_table
from imgclf.explain.report import Explained, ExplainedMap
from imgclf.explain.writing import card_picture
from imgclf.figures import shorten
from imgclf.reports import (
    GalleryItem,
    Section,
    Tile,
    Tone,
    gallery_html,
    html_page,
    sentence_html,
    table_html,
    tiles_html,
)
from imgclf.task import UNKNOWN

_SHOWN = 200  # images; more would make a page that phones do not open
_NARROW = 3  # pictures that stand side by side in half of the page
_LONGEST_NAME = 64


def explain_page(
    images: Sequence[Explained],
    thumbnails: Sequence[tuple[bytes, ...]],
    about: str,
    sections: Sequence[Section] = (),
) -> str:
    """Return the page as HTML.

    Args:
        images: in the order to show.
        thumbnails: of each the original, made small, and its map where it has only one; none with an error.
        about: one line on the model and how it was asked.
        sections: more parts, before the images.
    """
    readable = [(image, small) for image, small in zip(images, thumbnails, strict=True) if small]
    broken = [image for image in images if image.error is not None]
    parts = [Section("At a glance", _overview(images)), *sections]
    cards = [_card(image, small) for image, small in readable[:_SHOWN]]
    if cards:
        body = Markup('{}<div class="explanations">{}</div>').format(_filters(images), Markup("").join(cards))
        hidden = len(readable) - _SHOWN
        more = f"{hidden:,} more images are in the folder and in index.csv."
        parts.append(Section("Images", body + sentence_html(more, "note") if hidden > 0 else body))
    if broken:
        rows = [(image.file, image.error) for image in broken]
        parts.append(Section(f"Not explained ({len(broken):,})", table_html(("file", "reason"), rows)))
    return html_page("Why this prediction", about, parts, head_html=_head())


def check_section(rows: Sequence[CheckRow]) -> Section:
    """Return the part that says whether the maps mean anything."""
    tones: dict[str, Tone] = {"better": "good", "no better": "warn", "worse": "bad"}
    parts = [sentence_html(row.sentence, tones[row.verdict]) for row in rows if row.verdict]
    parts.append(
        sentence_html(
            "Pixels are blurred away in the map's order, and brought back in it: with a good map the prediction goes early "
            "(low deletion) and comes early (high insertion). ROAD fills the holes so that they tell nothing."
        )
    )
    cells = [
        (row.method, row.layer, row.deletion, row.insertion, row.road, row.lead if row.verdict else None)
        for row in rows
    ]
    columns = ("map", "layer", "deletion ↓", "insertion ↑", "ROAD ↑", "lead ↑")
    parts.append(table_html(columns, cells))
    leads = lead_table(rows)
    if leads:
        parts.append(sentence_html("The lead by method and layer; the best has a star."))
        parts.append(table_html(*leads))
    return Section("Do the maps mean anything?", Markup("").join(parts))


def _overview(images: Sequence[Explained]) -> Markup:
    good = [image for image in images if image.error is None]
    maps = [one for image in good for one in image.maps]
    blank = [one for one in maps if one.state != "ok"]
    known = [image for image in good if image.true_label is not None]
    wrong = sum(_is_wrong(image) for image in known)
    tiles = [
        Tile(
            "Images",
            f"{len(good):,}",
            f"{len(images) - len(good)} not explained" if len(good) < len(images) else "",
        )
    ]
    if known:
        tiles.append(Tile("Wrong predictions", f"{wrong:,}", f"of {len(known):,} whose class is known"))
    if good:
        mean = np.mean([image.confidence for image in good if image.confidence is not None])
        tiles.append(Tile("Mean confidence", f"{100 * mean:.1f} %", "of the predicted class"))
    tiles.append(Tile("Maps", f"{len(maps):,}", f"{len(blank)} empty or flat" if blank else "none empty"))
    parts = [tiles_html(tiles)]
    if blank:
        parts.append(
            sentence_html(
                f"{len(blank)} of {len(maps)} maps are empty or flat before any rescaling: the layer holds nothing that "
                f"speaks for the class at one place more than at another. They are shown as such, not stretched to noise.",
                "warn",
            )
        )
    parts.append(
        sentence_html(
            "A map shows where the model's features support a class, not whether it is right to use them. Colours are "
            "scaled within each map; grey parts of an image were cut off before the model saw it."
        )
    )
    return Markup("").join(parts)


def _head() -> str:
    style, script = (
        Path(__file__).with_name(name).read_text(encoding="utf-8") for name in ("page.css", "page.js")
    )
    return f"<style>{style}</style><script>{script}</script>"


def _filters(images: Sequence[Explained]) -> Markup:
    """Return a search field, and a box for the wrong predictions where there are any."""
    box = Markup('<label><input type="checkbox" id="wrong"> wrong predictions only</label>')
    field = Markup(
        '<input type="search" id="search" placeholder="file or class" aria-label="Search by file or class">'
    )
    some = len({_is_wrong(image) for image in images}) == 2  # else the box would change nothing
    return Markup('<div class="filters">{}{}<span id="left" role="status"></span></div>').format(
        field, box if some else ""
    )


def _is_wrong(image: Explained) -> bool:
    return (
        image.error is None
        and image.true_label is not None
        and image.label not in (image.true_label, UNKNOWN)
    )


def _card(image: Explained, small: tuple[bytes, ...]) -> Markup:
    with Image.open(BytesIO(small[0])) as opened:
        width = opened.width
    items = [GalleryItem(small[0], "original", Path(image.file).name, width)]
    items += [GalleryItem(each, "map", "the evidence alone", width) for each in small[1:]]
    items += [_item(one, width) for one in image.maps]
    card = Markup('<article class="explanation{}"{}><h3>{}</h3><p title="{}">{}</p>{}</article>')
    return card.format(
        "" if len(items) <= _NARROW else " wide",
        Markup(" data-wrong") if _is_wrong(image) else "",
        image.title,
        image.file,
        shorten(image.file, _LONGEST_NAME),
        gallery_html(items),
    )


def _item(one: ExplainedMap, width: int) -> GalleryItem:
    with Image.open(one.overlay) as opened:
        content = card_picture(opened.convert("RGB"))
    state = {"ok": "", "empty": "\nempty: no evidence", "flat": "\nflat: the same everywhere"}[one.state]
    caption = f"{one.method} {one.layer}\n{100 * one.target_confidence:.1f} %{state}"
    return GalleryItem(content, f"for {one.target}", caption, width)
