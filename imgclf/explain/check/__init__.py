"""Does a map mean anything? ``checker`` scores maps beside a random one and the image's centre.

The scores: ``perturbing`` (deletion and insertion) and ``road`` (ROAD).
"""

from imgclf.explain.check.checker import Checker, CheckRow, lead_table
from imgclf.explain.check.road import road

__all__ = ["CheckRow", "Checker", "lead_table", "road"]
