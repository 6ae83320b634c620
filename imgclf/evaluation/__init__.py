"""How good a model is, where it fails, and whether the number can be trusted; and which of several is better.

In reading order: ``evaluate.py`` (the whole command), ``members.py`` and ``answering.py`` (predictions of one run or of several),
``scores.py`` (every figure), ``calibrating.py``, ``copies.py``, ``worst.py``, ``suspects.py`` (what is looked at besides),
``sentences.py``, ``result.py``; ``drawing.py``, ``page.py`` and ``writing.py`` (what is written); ``saved.py`` and ``compare.py`` (run
against run); ``relabel.py`` (a review applied).
"""

from imgclf.evaluation.compare import Comparison, Contender, Duel, compare, verdict
from imgclf.evaluation.evaluate import evaluate
from imgclf.evaluation.relabel import Relabelled, apply_review
from imgclf.evaluation.result import EvaluationResult, Measured, Options
from imgclf.evaluation.suspects import read_review
from imgclf.inference import Note

__all__ = [
    "Comparison",
    "Contender",
    "Duel",
    "EvaluationResult",
    "Measured",
    "Note",
    "Options",
    "Relabelled",
    "apply_review",
    "compare",
    "evaluate",
    "read_review",
    "verdict",
]
