"""Records and arrays to pictures: one function per figure, each returning the PNG that it wrote."""

from imgclf.figures.curves import training_curves
from imgclf.figures.image_grid import image_grid
from imgclf.figures.style import picture, shorten

__all__ = ["image_grid", "picture", "shorten", "training_curves"]
