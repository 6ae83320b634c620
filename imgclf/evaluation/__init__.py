"""How good a model is, where it fails, and whether the number can be trusted; and which of several is better."""

from imgclf.evaluation.evaluate import evaluate
from imgclf.evaluation.notes import Note
from imgclf.evaluation.result import EvaluationResult, Measured, Options

__all__ = ["EvaluationResult", "Measured", "Note", "Options", "evaluate"]
