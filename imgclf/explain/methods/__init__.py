"""Ways to a saliency map, a file for each peculiarity; ``method.py`` says what every way must have.

In reading order: ``method`` (the protocol, and how a name becomes a method), ``library`` (all that is changed in
pytorch-grad-cam), ``layer_cams`` (the methods that differ in a formula only), then those with a peculiarity.
"""

from imgclf.explain.methods.method import METHODS, Method, choose_methods

__all__ = ["METHODS", "Method", "choose_methods"]
