"""What is broken, and where two ways to a prediction part.

``installation`` looks at packages, extras, plugins and cache folders, ``machine`` at what computes; both must work
where half of what they look at does not, so this package imports nothing by itself. ``roads`` takes one image through
everything that predicts.
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.doctor.installation import Diagnosis, diagnose
    from imgclf.doctor.roads import Road, compare_roads

__all__ = ["Diagnosis", "Road", "compare_roads", "diagnose"]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "Diagnosis": "imgclf.doctor.installation",
        "Road": "imgclf.doctor.roads",
        "compare_roads": "imgclf.doctor.roads",
        "diagnose": "imgclf.doctor.installation",
    },
)
