"""A thin adapter over timm: any of its networks, the few it lacks, and those of plugins.

In reading order: ``classifier.py`` (a network with its classes and input), ``create.py`` and ``build.py`` (how one is made),
``input_spec.py``, ``sizes.py``, ``heads.py``, ``device.py``, ``quiet.py``; ``names.py``, ``listing.py``, ``plugged.py`` and ``nets/`` (which there
are); ``pretrained.py``, ``reachable.py``, ``weights_file.py``, ``weights_names.py`` and ``weights_fit.py`` (weights); ``trace.py``,
``layers.py`` and ``graph.py`` (what happens inside).
"""

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
    from imgclf.models.graph import ExportGraph, example_input, quiet_export
    from imgclf.models.heads import draw_head
    from imgclf.models.names import find_network
    from imgclf.models.weights_file import WeightsFile, read_weights_file

__all__ = [
    "Classifier",
    "ExportGraph",
    "FeatureLayer",
    "InputSpec",
    "ModelListing",
    "Origin",
    "Trace",
    "WeightsFile",
    "choose_device",
    "classifier_from_header",
    "create_classifier",
    "default_image_size",
    "draw_head",
    "example_input",
    "find_network",
    "fitting_image_size",
    "list_models",
    "plugin_problems",
    "quiet_export",
    "read_weights_file",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "ExportGraph": "imgclf.models.graph",
        "WeightsFile": "imgclf.models.weights_file",
        "draw_head": "imgclf.models.heads",
        "example_input": "imgclf.models.graph",
        "find_network": "imgclf.models.names",
        "quiet_export": "imgclf.models.graph",
        "read_weights_file": "imgclf.models.weights_file",
    },
)
