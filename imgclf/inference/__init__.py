"""Model file in, predictions out; no training engine in sight, and no torch before a model needs it.

In reading order: ``predictor.py``; ``sources.py`` and ``files.py`` (what is given), ``ordered_map.py``, ``batches.py`` and
``batch_size.py`` (many at once), ``backend.py``, ``backends/``, ``runtimes.py``, ``graphs/`` and ``exported.py`` (what computes);
``batch_job.py`` and ``outputs/`` (predictions to a file), ``engines/`` (many machines); ``images.py`` and ``notes.py`` (a run's own
images, and what is to be said of them).
"""

from typing import TYPE_CHECKING

from imgclf.inference.backend import Backend, NetworkBackend
from imgclf.inference.ordered_map import ordered_map
from imgclf.inference.predictor import Predictor
from imgclf.inference.sources import Prepared, Source, as_sources, prepare, source_name
from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.inference.backends.onnx import OnnxBackend, be_silent
    from imgclf.inference.backends.torch import TorchBackend
    from imgclf.inference.batch_job import Summary, hand_on, without_earlier
    from imgclf.inference.batch_size import BatchSize
    from imgclf.inference.batches import Batches
    from imgclf.inference.engines.ray_predictor import RayPredictor
    from imgclf.inference.exported import HEADER_KEY, ExportedFormat, format_of, parse_header
    from imgclf.inference.files import Found, find_images, listed_images
    from imgclf.inference.images import Images, choose_images, run_config
    from imgclf.inference.notes import Note
    from imgclf.inference.outputs import Layout, Output, check_output, open_output
    from imgclf.inference.runtimes import Runtime, keep_graph, open_backend

__all__ = [
    "HEADER_KEY",
    "Backend",
    "BatchSize",
    "Batches",
    "ExportedFormat",
    "Found",
    "Images",
    "Layout",
    "NetworkBackend",
    "Note",
    "OnnxBackend",
    "Output",
    "Predictor",
    "Prepared",
    "RayPredictor",
    "Runtime",
    "Source",
    "Summary",
    "TorchBackend",
    "as_sources",
    "be_silent",
    "check_output",
    "choose_images",
    "find_images",
    "format_of",
    "hand_on",
    "keep_graph",
    "listed_images",
    "open_backend",
    "open_output",
    "ordered_map",
    "parse_header",
    "prepare",
    "run_config",
    "source_name",
    "without_earlier",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "BatchSize": "imgclf.inference.batch_size",
        "Batches": "imgclf.inference.batches",
        "ExportedFormat": "imgclf.inference.exported",
        "Found": "imgclf.inference.files",
        "HEADER_KEY": "imgclf.inference.exported",
        "Images": "imgclf.inference.images",
        "Layout": "imgclf.inference.outputs",
        "Note": "imgclf.inference.notes",
        "OnnxBackend": "imgclf.inference.backends.onnx",
        "Output": "imgclf.inference.outputs",
        "RayPredictor": "imgclf.inference.engines.ray_predictor",
        "Runtime": "imgclf.inference.runtimes",
        "Summary": "imgclf.inference.batch_job",
        "TorchBackend": "imgclf.inference.backends.torch",
        "be_silent": "imgclf.inference.backends.onnx",
        "check_output": "imgclf.inference.outputs",
        "choose_images": "imgclf.inference.images",
        "find_images": "imgclf.inference.files",
        "format_of": "imgclf.inference.exported",
        "hand_on": "imgclf.inference.batch_job",
        "keep_graph": "imgclf.inference.runtimes",
        "listed_images": "imgclf.inference.files",
        "open_backend": "imgclf.inference.runtimes",
        "open_output": "imgclf.inference.outputs",
        "parse_header": "imgclf.inference.exported",
        "run_config": "imgclf.inference.images",
        "without_earlier": "imgclf.inference.batch_job",
    },
)
