"""Take a model away: ONNX, torch.export, a Docker image, a Hugging Face Space.

In reading order: ``export.py`` (the whole command) and ``job.py`` (what a format is given); ``formats/`` (one class each);
``checked.py`` and ``parity.py`` (the written file against the run), ``real_images.py``; ``graph.py`` (what is exported),
``onnx_file.py`` and ``eight_bits.py``; ``beside.py``, ``public.py``, ``pins.py``, ``wheel.py`` and ``templates/`` (what lies beside).
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.export.export import Request, export_model
    from imgclf.export.job import Exported
    from imgclf.export.parity import Precision

__all__ = ["Exported", "Precision", "Request", "export_model"]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "Exported": "imgclf.export.job",
        "Precision": "imgclf.export.parity",
        "Request": "imgclf.export.export",
        "export_model": "imgclf.export.export",
    },
)
