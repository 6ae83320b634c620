"""A thin adapter over timm: any of its networks, the few it lacks, and those of plugins."""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily
from imgclf.models.classifier import Classifier, InputSpec, Origin
from imgclf.models.create import classifier_from_header, create_classifier
from imgclf.models.device import choose_device
from imgclf.models.layers import FeatureLayer
from imgclf.models.listing import ModelListing, list_models, plugin_problems
from imgclf.models.sizes import default_image_size, fitting_image_size
from imgclf.models.trace import Trace

if TYPE_CHECKING:
    from imgclf.models.graph import ExportGraph, example_input
    from imgclf.models.names import find_network

__all__ = [
    "Classifier",
    "ExportGraph",
    "FeatureLayer",
    "InputSpec",
    "ModelListing",
    "Origin",
    "Trace",
    "choose_device",
    "classifier_from_header",
    "create_classifier",
    "default_image_size",
    "example_input",
    "find_network",
    "fitting_image_size",
    "list_models",
    "plugin_problems",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "ExportGraph": "imgclf.models.graph",
        "example_input": "imgclf.models.graph",
        "find_network": "imgclf.models.names",
    },
)
