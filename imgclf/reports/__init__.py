"""Records and figures to one self-contained HTML page that opens offline."""

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
