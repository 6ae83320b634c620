"""Records and arrays to pictures: one function per figure, each returning the PNG that it wrote.

In reading order: ``style.py`` has the sizes and colours that all share, ``fonts.py`` the letters. Training: ``curves.py``, ``search.py``.
Evaluation: ``confusion.py``, ``class_bars.py``, ``reliability.py``, ``rejection.py``, ``ranking.py``, ``gallery.py``.
Explaining and mapping: ``saliency.py``, ``scatter.py``. A dataset: ``eda/``.
"""

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

__all__ = [
    "ClassBar",
    "GalleryTile",
    "RankingCurve",
    "SearchPoint",
    "class_bars",
    "confusion_figure",
    "coverage_risk_figure",
    "image_gallery",
    "legend",
    "names_in_figures",
    "picture",
    "ranking_curves",
    "reliability_diagram",
    "search_history",
    "search_parameters",
    "shorten",
    "training_curves",
]
