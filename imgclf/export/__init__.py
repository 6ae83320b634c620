"""Take a model away: ONNX, torch.export, a Docker image, a Hugging Face Space."""

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
