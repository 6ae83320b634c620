"""Why this answer: saliency maps of any network here, through pytorch-grad-cam and Captum."""

from imgclf.explain.check import CheckRow, lead_table
from imgclf.explain.explain import Options, ask, explain
from imgclf.explain.explainer import Explainer
from imgclf.explain.methods import METHODS, Method, choose_methods
from imgclf.explain.misclassified import worst_errors
from imgclf.explain.report import Explained, ExplainedMap, ExplainReport
from imgclf.explain.saliency import Saliency
from imgclf.explain.single import Overlaid, explain_one
from imgclf.explain.stream import Answer, Question, answers
from imgclf.explain.subjects import Subject

__all__ = [
    "METHODS",
    "Answer",
    "CheckRow",
    "ExplainReport",
    "Explained",
    "ExplainedMap",
    "Explainer",
    "Method",
    "Options",
    "Overlaid",
    "Question",
    "Saliency",
    "Subject",
    "answers",
    "ask",
    "choose_methods",
    "explain",
    "explain_one",
    "lead_table",
    "worst_errors",
]
