"""Why this prediction: saliency maps of any network here, through pytorch-grad-cam and Captum.

In reading order: ``explain`` (the command: options in, report out), ``subjects`` and ``targets`` (which images, which
class), ``explanations`` (images in, their maps out), ``explainer`` (the model), ``methods/`` (one file for each
peculiarity), ``saliency`` (a map), ``writing``, ``report`` and ``page`` (what is left in the folder), ``check/`` (does a map
mean anything), ``misclassified`` (the worst errors as images to explain).
"""

from imgclf.explain.check import CheckRow, lead_table
from imgclf.explain.explain import Options, explain, resolve
from imgclf.explain.explainer import Explainer
from imgclf.explain.explanations import Explanation, Wanted, explanations
from imgclf.explain.methods import METHODS, Method, choose_methods
from imgclf.explain.misclassified import worst_errors
from imgclf.explain.report import Explained, ExplainedMap, ExplainReport
from imgclf.explain.saliency import Saliency
from imgclf.explain.subjects import Subject
from imgclf.explain.targets import Target

__all__ = [
    "METHODS",
    "CheckRow",
    "ExplainReport",
    "Explained",
    "ExplainedMap",
    "Explainer",
    "Explanation",
    "Method",
    "Options",
    "Saliency",
    "Subject",
    "Target",
    "Wanted",
    "choose_methods",
    "explain",
    "explanations",
    "lead_table",
    "resolve",
    "worst_errors",
]
