"""``report.html``: the whole look on one page."""

from io import BytesIO
from pathlib import Path

from markupsafe import Markup
from PIL import Image

from imgclf.eda.counts import Counts
from imgclf.eda.crop import CropFacts
from imgclf.eda.findings import Check, Finding
from imgclf.eda.pixels import PixelFacts
from imgclf.eda.samples import small_image
from imgclf.eda.survey import Survey
from imgclf.reports import (
    GalleryItem,
    Section,
    Tile,
    figure_html,
    gallery_html,
    html_page,
    sentence_html,
    table_html,
    tiles_html,
)

_SINGLES_SHOWN = 18
_GROUPS_SHOWN = 10
_IN_A_GROUP = 6
_GRAVE = ("unreadable", "leaks", "label-conflicts")


def eda_page(
    survey: Survey,
    counts: Counts,
    pixels: PixelFacts | None,
    crop: CropFacts | None,
    checks: tuple[Check, ...],
    figures: dict[str, Path],
) -> str:
    """Return the page as HTML.

    Args:
        survey: every image.
        counts: with the verdict on balance.
        pixels: None where nothing is readable.
        crop: likewise.
        checks: in the order to show.
        figures: ``counts``, ``sizes``, ``samples``, ``augmented``, ``crop`` -> the PNG, those that were drawn.
    """
    sections = [
        Section("At a glance", _overview(survey, counts, pixels, checks)),
        Section("Classes", _classes(counts, figures)),
        Section("Samples", _samples(figures)),
    ]
    if pixels:
        sections.append(Section("Sizes and pixels", _pixels(survey, pixels, figures)))
    if crop:
        sections.append(Section("The evaluation crop", _crop(crop, figures)))
    sections += [
        Section(f"{check.title} ({check.count:,})", _check(survey, check)) for check in checks if check.count
    ]
    info = survey.dataset.info
    subtitle = f"{info.summary}. {len(survey):,} images, {len(survey.dataset.class_names):,} classes."
    return html_page(f"A look at {info.name}", subtitle, sections)


def _overview(survey: Survey, counts: Counts, pixels: PixelFacts | None, checks: tuple[Check, ...]) -> Markup:
    sizes = " + ".join(f"{sum(values.values()):,} {split}" for split, values in counts.per_split.items())
    tiles = [
        Tile("Images", f"{int(survey.readable.sum()):,}", sizes),
        Tile(
            "Classes", f"{len(survey.dataset.class_names):,}", "balanced" if counts.balanced else "imbalanced"
        ),
    ]
    if pixels:
        tiles.append(Tile("Median size", f"{pixels.widths[1]} × {pixels.heights[1]}", "pixels"))
        tiles.append(Tile("On disk", _bytes(pixels.bytes_total), ", ".join(pixels.formats) or "bare pixels"))
    parts = [tiles_html(tiles)]
    parts += [sentence_html(warning, "warn") for warning in survey.dataset.warnings]
    found = [check for check in checks if check.count]
    if not found:
        parts.append(sentence_html("No health check found anything.", "good"))
    parts += [
        sentence_html(f"{check.title}: {_images(check.count)}. {check.meaning}", "bad")
        for check in found
        if check.name in _GRAVE
    ]
    what = Markup("<b>{}</b><br>{}")
    rows = [
        (what.format(check.title, check.skipped or check.meaning), f"{check.count:,}") for check in checks
    ]
    return Markup("").join([*parts, table_html(("check", "images"), rows)])


def _classes(counts: Counts, figures: dict[str, Path]) -> Markup:
    parts = [sentence_html(counts.verdict, "good" if counts.balanced else "warn")]
    parts += [sentence_html(note, "note") for note in counts.notes]
    if "counts" in figures:
        parts.append(figure_html(figures["counts"], "Readable images per class and split."))
    splits = list(counts.per_split)
    names = list(next(iter(counts.per_split.values()), {}))
    rows = [(name, *(f"{counts.per_split[split][name]:,}" for split in splits)) for name in names]
    return Markup("").join([*parts, table_html(("class", *splits), rows)])


def _samples(figures: dict[str, Path]) -> Markup:
    parts = []
    if "samples" in figures:
        caption = "Random training images of each class, as they are: not resized by us, not normalised."
        parts.append(figure_html(_as_jpeg(figures["samples"]), caption, photo=True))
    if "augmented" in figures:
        caption = (
            "What training sees: an image as evaluation shows it, then the recipe's random variants of it."
        )
        parts.append(figure_html(_as_jpeg(figures["augmented"]), caption, photo=True))
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


def _check(survey: Survey, check: Check) -> Markup:
    parts = [sentence_html(check.meaning)]
    if check.not_images:
        parts.append(
            table_html(("file", "reason"), [(image.file, image.reason) for image in check.not_images[:100]])
        )
    groups = [finding for finding in check.findings if len(finding.rows) > 1]
    singles = [finding for finding in check.findings if len(finding.rows) == 1]
    if check.name == "unreadable" and singles:
        rows = [(survey.files[finding.rows[0]], finding.detail) for finding in singles[:200]]
        parts.append(table_html(("file", "reason"), rows))
    elif singles:
        shown = (_item(survey, finding.rows[0], finding.detail) for finding in singles[:_SINGLES_SHOWN])
        parts.append(gallery_html(item for item in shown if item))
    parts += [_group(survey, finding) for finding in groups[:_GROUPS_SHOWN]]
    hidden = max(len(groups) - _GROUPS_SHOWN, 0) or max(len(singles) - _SINGLES_SHOWN, 0)
    if hidden and check.name != "unreadable":
        parts.append(sentence_html(f"{hidden:,} more {'groups' if groups else 'images'} are in files.csv."))
    return Markup("").join(parts)


def _group(survey: Survey, finding: Finding) -> Markup:
    shown = (_item(survey, row, "") for row in finding.rows[:_IN_A_GROUP])
    more = f", and {len(finding.rows) - _IN_A_GROUP} more" if len(finding.rows) > _IN_A_GROUP else ""
    head = sentence_html(f"{len(finding.rows)} images, {finding.detail}{more}:")
    return head + gallery_html(item for item in shown if item)


def _item(survey: Survey, row: int, detail: str) -> GalleryItem | None:
    image = small_image(survey, row)
    if image is None:
        return None
    content = BytesIO()
    if max(image.size) > 64:
        image.save(content, "JPEG", quality=82)
    else:
        image.save(content, "PNG")
    caption = "\n".join(line for line in (f"{survey.splits[row]} · {survey.label(row)}", detail) if line)
    return GalleryItem(content.getvalue(), survey.files[row], caption, image.width)


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
