"""imgclf: image classification from the terminal and from Python.

>>> import imgclf
>>> imgclf.__version__.count(".")
2
"""

from typing import TYPE_CHECKING, Any

from imgclf._version import __version__
from imgclf.errors import ImgclfError
from imgclf.records import Prediction

if TYPE_CHECKING:
    from imgclf.inference import Predictor
    from imgclf.inference.runtimes import Runtime
    from imgclf.recipes import Config
    from imgclf.training import TrainResult, train

__all__ = ["Config", "ImgclfError", "Prediction", "Predictor", "TrainResult", "__version__", "load", "train"]

# Imported on first use: `import imgclf` must stay instant, and these bring torch.
_LAZY = {
    "Config": "imgclf.recipes",
    "Predictor": "imgclf.inference",
    "TrainResult": "imgclf.training",
    "train": "imgclf.training",
}


def __getattr__(name: str) -> Any:
    if name not in _LAZY:
        raise AttributeError(f"module 'imgclf' has no attribute '{name}'")
    from importlib import import_module

    return getattr(import_module(_LAZY[name]), name)


def load(run: str, device: str = "auto", runtime: "Runtime" = "auto") -> "Predictor":
    """Open the model of a run directory (or a model file) for prediction.

    Args:
        run: a run directory such as ``runs/2026-11-21-120000-resnet9-digits`` or a ``model.safetensors``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runtime: what computes a model file on a CPU: ``auto`` (the faster), ``onnx`` or ``torch``.

    Returns:
        A classifier whose ``predict`` takes paths, PIL images or arrays and returns :class:`Prediction` records.

    Raises:
        ImgclfError: there is no such run, or its model file cannot be read.
    """
    from imgclf.inference import Predictor

    return Predictor.open(run, device=device, runtime=runtime)
