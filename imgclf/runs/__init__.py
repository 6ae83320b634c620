"""The run directory and the model file: create, open, read, write.

In reading order: ``directory.py``, ``header.py`` and ``model_file.py``, ``predictions.py``, ``kept_images.py``.
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily
from imgclf.runs.directory import DEFAULT_PARENT, Run, create_run, latest_run, list_runs, open_run
from imgclf.runs.header import checked_header, format_version
from imgclf.runs.kept_images import kept_images
from imgclf.runs.model_file import (
    fingerprint,
    identity,
    read_header,
    read_weights,
    save_model_file,
    update_header,
)

if TYPE_CHECKING:
    from imgclf.runs.kept_images import EXAMPLES, MISCLASSIFIED, KeptImage, ToKeep, keep_examples, keep_images
    from imgclf.runs.predictions import Answers, find_predictions, read_predictions, write_predictions

__all__ = [
    "DEFAULT_PARENT",
    "EXAMPLES",
    "MISCLASSIFIED",
    "Answers",
    "KeptImage",
    "Run",
    "ToKeep",
    "checked_header",
    "create_run",
    "find_predictions",
    "fingerprint",
    "format_version",
    "identity",
    "keep_examples",
    "keep_images",
    "kept_images",
    "latest_run",
    "list_runs",
    "open_run",
    "read_header",
    "read_predictions",
    "read_weights",
    "save_model_file",
    "update_header",
    "write_predictions",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "Answers": "imgclf.runs.predictions",
        "EXAMPLES": "imgclf.runs.kept_images",
        "KeptImage": "imgclf.runs.kept_images",
        "MISCLASSIFIED": "imgclf.runs.kept_images",
        "ToKeep": "imgclf.runs.kept_images",
        "find_predictions": "imgclf.runs.predictions",
        "keep_examples": "imgclf.runs.kept_images",
        "keep_images": "imgclf.runs.kept_images",
        "read_predictions": "imgclf.runs.predictions",
        "write_predictions": "imgclf.runs.predictions",
    },
)
