"""Records and figures to one self-contained HTML page that opens offline.

In reading order: ``page.py`` puts sections into ``page.html``; ``parts.py`` makes what stands in them, by the macros of
``parts.html``; ``templates.py`` opens both.
"""

from imgclf.reports.page import Section, html_page
from imgclf.reports.parts import (
    GalleryItem,
    Tile,
    Tone,
    data_uri,
    figure_html,
    figures_html,
    gallery_html,
    meter_html,
    sentence_html,
    table_html,
    tiles_html,
)

__all__ = [
    "GalleryItem",
    "Section",
    "Tile",
    "Tone",
    "data_uri",
    "figure_html",
    "figures_html",
    "gallery_html",
    "html_page",
    "meter_html",
    "sentence_html",
    "table_html",
    "tiles_html",
]
