"""``report.html``: the whole look on one page."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path

import numpy as np
from markupsafe import Markup
from PIL import Image

from imgclf.eda.checks.findings import Check
from imgclf.eda.facts.counts import Counts
from imgclf.eda.facts.crop import CropFacts
from imgclf.eda.facts.pixels import PixelFacts
from imgclf.eda.measuring.survey import Survey
from imgclf.eda.page.checks import CHECKS_STYLE, check_html
from imgclf.eda.page.strips import STRIPS_STYLE, strips_html
from imgclf.figures import legend
from imgclf.reports import (
    Section,
    Tile,
    figure_html,
    html_page,
    sentence_html,
    table_html,
    tiles_html,
)

_GRAVE = ("unreadable", "leaks", "label-conflicts")
_STYLE = """<style>
.checks .scroll { max-height: none; }
pre { background: var(--card); border: 1px solid var(--line); border-radius: 8px; padding: 10px 14px; overflow-x: auto; }
pre code { background: none; padding: 0; }
"""

Rows = Mapping[str, Sequence[np.ndarray]]


def eda_page(
    survey: Survey,
    counts: Counts,
    pixels: PixelFacts | None,
    crop: CropFacts | None,
    checks: tuple[Check, ...],
    figures: dict[str, Path],
    *,
    samples: Rows,
    augmented: Rows,
) -> str:
    """Return the page as HTML.

    Args:
        survey: every image.
        counts: with the verdict on balance.
        pixels: None where nothing is readable.
        crop: likewise.
        checks: in the order to show.
        figures: ``counts``, ``sizes``, ``crop`` -> the PNG, those that were drawn.
        samples: class name -> random images, uint8 (H, W, 3).
        augmented: name -> an image as evaluation shows it, then variants of it; empty without a recipe.
    """
    sections = [Section("Classes", _classes(counts, figures))]
    if samples:
        sections.append(Section("Samples", _samples(samples, augmented)))
    if pixels:
        sections.append(Section("Sizes and pixels", _pixels(survey, pixels, figures)))
    if crop:
        sections.append(Section("The evaluation crop", _crop(crop, figures)))
    first = len(sections) + 2  # the page numbers its sections from 1, and the overview comes before them
    found = [check for check in checks if check.count]
    sections += [Section(f"{check.title} ({check.count:,})", check_html(survey, check)) for check in found]
    links = {check.name: f"#s{number}" for number, check in enumerate(found, first)}
    overview = Section("At a glance", _overview(survey, counts, pixels, checks, links))
    info = survey.dataset.info
    subtitle = f"{info.summary}. {len(survey):,} images, {len(survey.dataset.class_names):,} classes."
    style = f"{_STYLE}{CHECKS_STYLE}{STRIPS_STYLE}</style>"
    return html_page(f"A look at {info.name}", subtitle, [overview, *sections], head_html=style)


def _overview(
    survey: Survey,
    counts: Counts,
    pixels: PixelFacts | None,
    checks: tuple[Check, ...],
    links: Mapping[str, str],
) -> Markup:
    sizes = " + ".join(f"{sum(values.values()):,} {split}" for split, values in counts.per_split.items())
    balance = "balanced" if counts.balanced else "imbalanced"
    tiles = [
        Tile("Images", f"{int(survey.readable.sum()):,}", sizes),
        Tile("Classes", f"{len(survey.dataset.class_names):,}", balance),
    ]
    if pixels:
        tiles.append(Tile("Median size", f"{pixels.widths[1]} × {pixels.heights[1]}", "pixels"))
        tiles.append(Tile("Data", _bytes(pixels.bytes_total), ", ".join(pixels.formats) or "bare pixels"))
    parts = [tiles_html(tiles)]
    if survey.dataset.taken:
        parts.append(sentence_html(survey.dataset.taken.sentence(), "note"))
    if numbers := legend(survey.dataset.class_names):
        parts.append(sentence_html(numbers, "note"))
    parts += [sentence_html(warning, "warn") for warning in survey.dataset.warnings]
    return Markup("").join([*parts, *_health(checks, links)])


def _health(checks: tuple[Check, ...], links: Mapping[str, str]) -> list[Markup]:
    """Say what was found, with links; then what was looked for in vain, and what could not be judged."""
    found = [check for check in checks if check.count]
    parts = [
        sentence_html(f"{check.title}: {_images(check.count)}.", "bad")
        for check in found
        if check.name in _GRAVE
    ]
    if found:
        what = Markup('<a href="{}"><b>{}</b></a><br>{}')
        rows = [
            (what.format(links[check.name], check.title, check.meaning), f"{check.count:,}")
            for check in found
        ]
        parts.append(Markup('<div class="checks">{}</div>').format(table_html(("found", "images"), rows)))
    clean = [check.title.lower() for check in checks if not check.count and not check.skipped]
    if clean:
        nothing = "No health check found anything" if not found else "Nothing found by the other checks"
        parts.append(sentence_html(f"{nothing}: {', '.join(clean)}.", "good"))
    parts += [sentence_html(f"{check.title}: {check.skipped}", "note") for check in checks if check.skipped]
    return parts


def _classes(counts: Counts, figures: dict[str, Path]) -> Markup:
    parts = [sentence_html(counts.verdict, "good" if counts.balanced else "warn")]
    parts += [sentence_html(note, "note") for note in counts.notes]
    if "counts" in figures:
        parts.append(figure_html(figures["counts"], "Readable images per class and split."))
    splits = list(counts.per_split)
    names = list(next(iter(counts.per_split.values()), {}))
    rows = [(name, *(f"{counts.per_split[split][name]:,}" for split in splits)) for name in names]
    return Markup("").join([*parts, table_html(("class", *splits), rows)])


def _samples(samples: Rows, augmented: Rows) -> Markup:
    parts = [
        sentence_html("Random training images of each class, neither cropped nor normalised."),
        strips_html(samples),
    ]
    if augmented:
        parts.append(
            sentence_html(
                "What training sees: an image as evaluation shows it, then the recipe's random variants of it, an epoch each."
            )
        )
        parts.append(strips_html(augmented))
    return Markup("").join(parts)


def _pixels(survey: Survey, pixels: PixelFacts, figures: dict[str, Path]) -> Markup:
    rows = [
        ("width", *pixels.widths),
        ("height", *pixels.heights),
        ("width / height", *(f"{value:.2f}" for value in pixels.aspects)),
    ]
    parts = [table_html(("pixels", "least", "median", "most"), rows)]
    if "sizes" in figures:
        parts.append(figure_html(figures["sizes"], "Sizes and aspect ratios of the readable images."))
    kinds = [
        ("size", pixels.sizes),
        ("colour mode", pixels.modes),
        ("format", pixels.formats),
        ("grey in content", {"yes": pixels.grey, "no": int(survey.readable.sum()) - pixels.grey}),
    ]
    parts.append(
        table_html(
            ("property", "value", "images"),
            [(kind, name, f"{count:,}") for kind, all_ in kinds for name, count in all_.items()],
        )
    )
    parts.append(Markup("<p>Mean and standard deviation of the training pixels, ready to paste:</p>"))
    parts.append(Markup("<pre><code>{}</code></pre>").format(pixels.paste()))
    return Markup("").join(parts)


def _crop(crop: CropFacts, figures: dict[str, Path]) -> Markup:
    parts = [sentence_html(crop.verdict, "good" if crop.harmless else "warn")]
    if "crop" in figures:
        caption = "The images that lose most. The frame is what the model sees; the veiled part is cut off."
        parts.append(figure_html(_as_jpeg(figures["crop"]), caption, photo=True))
    return Markup("").join(parts)


def _as_jpeg(figure: Path) -> bytes:
    """Return a picture of photographs as JPEG: the page is a tenth as large, and the PNG lies beside it."""
    content = BytesIO()
    with Image.open(figure) as image:
        image.convert("RGB").save(content, "JPEG", quality=88)
    return content.getvalue()


def _images(count: int) -> str:
    return "1 image" if count == 1 else f"{count:,} images"


def _bytes(count: int) -> str:
    for unit in ("bytes", "KB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count = round(count / 1000)
    return f"{count:,} {unit}"
