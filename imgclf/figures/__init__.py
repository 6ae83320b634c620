"""Records and arrays to pictures: one function per figure, each returning the PNG that it wrote."""

from imgclf.figures.curves import training_curves
from imgclf.figures.style import picture, shorten

__all__ = ["picture", "shorten", "training_curves"]
