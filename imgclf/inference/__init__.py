"""Model file in, predictions out; no training engine in sight, and no torch before a model needs it."""

from imgclf.inference.backend import Backend
from imgclf.inference.predictor import Predictor
from imgclf.inference.sources import Prepared, Source

__all__ = ["Backend", "Predictor", "Prepared", "Source"]
