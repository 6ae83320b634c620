"""The formats to export to, one class each; ``format.py`` says what every format must have.

A format's module imports nothing heavy: the ending of any file to predict with is looked up among all of them.
"""

from imgclf.export.formats.format import EXPORTS, Format, Option

__all__ = ["EXPORTS", "Format", "Option"]
