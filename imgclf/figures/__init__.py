"""Records and arrays to pictures: one function per figure, each returning the PNG that it wrote.

In reading order: ``style.py`` has the sizes and colours that all share, ``fonts.py`` the letters. Training: ``curves.py``, ``search.py``.
Evaluation: ``confusion.py``, ``class_bars.py``, ``reliability.py``, ``rejection.py``, ``ranking.py``, ``gallery.py``.
Explaining and mapping: ``saliency.py``, ``scatter.py``. A dataset: ``eda/``.
"""

from typing import TYPE_CHECKING

from imgclf.figures.class_bars import ClassBar, class_bars
from imgclf.figures.confusion import confusion_figure
from imgclf.figures.curves import training_curves
from imgclf.figures.fonts import legend, names_in_figures
from imgclf.figures.gallery import GalleryTile, image_gallery
from imgclf.figures.ranking import RankingCurve, ranking_curves
from imgclf.figures.rejection import coverage_risk_figure
from imgclf.figures.reliability import reliability_diagram
from imgclf.figures.search import SearchPoint, search_history, search_parameters
from imgclf.figures.style import picture, shorten
from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.figures.eda.counts import class_counts
    from imgclf.figures.eda.crop import crop_boxes
    from imgclf.figures.eda.rows import image_rows
    from imgclf.figures.eda.sizes import image_sizes
    from imgclf.figures.saliency import (
        COLORMAP,
        OPACITY,
        PanelMap,
        check_colormap,
        colorize,
        overlay,
        saliency_panel,
    )
    from imgclf.figures.scatter import PlottedMap, class_colour, map_figure, maps_figure

__all__ = [
    "COLORMAP",
    "OPACITY",
    "ClassBar",
    "GalleryTile",
    "PanelMap",
    "PlottedMap",
    "RankingCurve",
    "SearchPoint",
    "check_colormap",
    "class_bars",
    "class_colour",
    "class_counts",
    "colorize",
    "confusion_figure",
    "coverage_risk_figure",
    "crop_boxes",
    "image_gallery",
    "image_rows",
    "image_sizes",
    "legend",
    "map_figure",
    "maps_figure",
    "names_in_figures",
    "overlay",
    "picture",
    "ranking_curves",
    "reliability_diagram",
    "saliency_panel",
    "search_history",
    "search_parameters",
    "shorten",
    "training_curves",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "COLORMAP": "imgclf.figures.saliency",
        "OPACITY": "imgclf.figures.saliency",
        "PanelMap": "imgclf.figures.saliency",
        "PlottedMap": "imgclf.figures.scatter",
        "check_colormap": "imgclf.figures.saliency",
        "class_colour": "imgclf.figures.scatter",
        "class_counts": "imgclf.figures.eda.counts",
        "colorize": "imgclf.figures.saliency",
        "crop_boxes": "imgclf.figures.eda.crop",
        "image_rows": "imgclf.figures.eda.rows",
        "image_sizes": "imgclf.figures.eda.sizes",
        "map_figure": "imgclf.figures.scatter",
        "maps_figure": "imgclf.figures.scatter",
        "overlay": "imgclf.figures.saliency",
        "saliency_panel": "imgclf.figures.saliency",
    },
)
