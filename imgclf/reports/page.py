"""One self-contained page: a title, sections that fold, light and dark, phone and desktop, no network.

Everything a page shows is inside it (pictures as base64), and its content security policy forbids loading anything.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from markupsafe import Markup

from imgclf._version import __version__
from imgclf.reports.templates import template


@dataclass(frozen=True)
class Section:
    """A part of a page.

    Attributes:
        title: plain text; also the link in the page's contents.
        body_html: HTML, made with this package's builders (they escape what they are given).
        open: whether it is unfolded at first.
    """

    title: str
    body_html: str
    open: bool = True


def html_page(title: str, subtitle: str, sections: Sequence[Section], *, head_html: str = "") -> str:
    """Return a whole HTML document.

    Args:
        title: plain text.
        subtitle: plain text, one line on what the page is about.
        sections: in order; more than two get a row of links.
        head_html: more HTML for the head (a style or a script of a page's own), put in as it is.
    """
    return template("page.html").render(
        title=title,
        subtitle=subtitle,
        sections=sections,
        head_html=Markup(head_html),
        version=__version__,
        written=f"{datetime.now():%Y-%m-%d %H:%M}",
    )
