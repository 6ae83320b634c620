"""What the health checks found, for the page: thumbnails, groups side by side, and tables of what has no picture."""

from io import BytesIO

from markupsafe import Markup

from imgclf.eda.checks.findings import Check, Finding
from imgclf.eda.measuring.survey import Survey
from imgclf.eda.page.samples import small_image
from imgclf.figures import shorten
from imgclf.reports import GalleryItem, gallery_html, sentence_html, table_html

CHECKS_STYLE = """
.groups { display: flex; flex-wrap: wrap; gap: 12px; align-items: flex-start; margin: 14px 0; }
.group { border: 1px solid var(--line); border-radius: 12px; padding: 4px 10px 10px; max-width: 100%; }
.group p { margin: 6px 2px 8px; font-size: 0.9rem; color: var(--faint); }
.group .gallery { display: flex; flex-wrap: wrap; margin: 0; gap: 8px; }
.group .gallery figure { width: 140px; }
@media (max-width: 560px) { .group { width: 100%; } .group .gallery figure { width: calc(50% - 4px); } }
"""
"""The page's head needs this."""

_SINGLES_SHOWN = 18
_GROUPS_SHOWN = 12
_IN_A_GROUP = 6
_UNREADABLE_SHOWN = 200
_LONGEST_NAME = 60


def check_html(survey: Survey, check: Check) -> Markup:
    """Return what one check found, worst first."""
    parts = [sentence_html(check.meaning)]
    if check.name == "unreadable":
        return Markup("").join([*parts, _unreadable(survey, check)])
    groups = [finding for finding in check.findings if len(finding.rows) > 1]
    singles = [finding for finding in check.findings if len(finding.rows) == 1]
    shown = (_item(survey, finding.rows[0], finding.detail) for finding in singles[:_SINGLES_SHOWN])
    if singles:
        parts.append(gallery_html(item for item in shown if item))
    if groups:
        cards = Markup("").join(_group(survey, finding) for finding in groups[:_GROUPS_SHOWN])
        parts.append(Markup('<div class="groups">{}</div>').format(cards))
    parts += _more(len(groups) - _GROUPS_SHOWN, "group") + _more(len(singles) - _SINGLES_SHOWN, "image")
    return Markup("").join(parts)


def _unreadable(survey: Survey, check: Check) -> Markup:
    rows = [(image.file, image.reason) for image in check.not_images]
    rows += [(survey.files[finding.rows[0]], finding.detail) for finding in check.findings]
    more = _more(len(rows) - _UNREADABLE_SHOWN, "file")
    return Markup("").join([table_html(("file", "reason"), rows[:_UNREADABLE_SHOWN]), *more])


def _more(hidden: int, what: str) -> list[Markup]:
    if hidden <= 0:
        return []
    are = f"{what} is" if hidden == 1 else f"{what}s are"
    return [sentence_html(f"{hidden:,} more {are} in files.csv.")]


def _group(survey: Survey, finding: Finding) -> Markup:
    items = (_item(survey, row, "") for row in finding.rows[:_IN_A_GROUP])
    count = len(finding.rows)
    shown = f" ({_IN_A_GROUP} shown)" if count > _IN_A_GROUP else ""
    head = Markup("<p>{}</p>").format(f"{count} images{shown}, {finding.detail}")
    return Markup('<div class="group">{}{}</div>').format(head, gallery_html(item for item in items if item))


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
    return GalleryItem(content.getvalue(), shorten(survey.files[row], _LONGEST_NAME), caption, image.width)
