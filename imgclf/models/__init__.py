"""A thin adapter over timm: any of its networks, the few it lacks, and those of plugins."""

from imgclf.models.classifier import Classifier, InputSpec, Origin
from imgclf.models.create import classifier_from_header, create_classifier
from imgclf.models.device import choose_device
from imgclf.models.layers import FeatureLayer
from imgclf.models.listing import ModelListing, list_models, plugin_problems
from imgclf.models.sizes import default_image_size, fitting_image_size
from imgclf.models.trace import Trace

__all__ = [
    "Classifier",
    "FeatureLayer",
    "InputSpec",
    "ModelListing",
    "Origin",
    "Trace",
    "choose_device",
    "classifier_from_header",
    "create_classifier",
    "default_image_size",
    "fitting_image_size",
    "list_models",
    "plugin_problems",
]
