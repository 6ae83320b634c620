"""``imgclf export docker``: a folder that builds into a server image, for CPU and for CUDA."""

import shutil
import sys
from pathlib import Path

from imgclf.export.onnx_export import Exported
from imgclf.export.pins import pinned
from imgclf.export.templates import filled
from imgclf.export.wheel import write_wheel
from imgclf.inference import Predictor
from imgclf.runs import write_text

_SERVER = (
    "fastapi",
    "fastapi-offline",
    "uvicorn",
    "python-multipart",
    "prometheus-client",
    "jinja2",
    "pydantic",
    "typer",
    "rich",
    "platformdirs",
)
_IMAGES = ("numpy", "pillow", "pyarrow", "safetensors")
_CPU = (*_SERVER, *_IMAGES, "onnxruntime")
_CUDA = (*_SERVER, *_IMAGES, "torch", "torchvision", "timm", "grad-cam")


def export_docker(model: Predictor, onnx: Exported, folder: Path) -> Exported:
    """Write Dockerfiles, compose file, pinned requirements, the package and the model into a folder.

    Args:
        model: opened from a model file of ours.
        onnx: its export to ``folder / "model.onnx"``.
        folder: what ``docker build`` is given.
    """
    wheel = write_wheel(folder)
    arch = model.header.arch
    # The pinned versions are those of this Python: another one may have no wheels of them.
    python = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = {"WHEEL": wheel.name, "MODEL": arch, "TAG": f"imgclf-{_plain(arch)}", "PYTHON": python}
    texts = {
        "Dockerfile": filled("Dockerfile.txt", **words),
        "Dockerfile.cuda": filled("Dockerfile.cuda.txt", **words),
        "compose.yaml": filled("compose.yaml.txt", **words),
        "requirements.txt": pinned(_CPU),
        "requirements.cuda.txt": pinned(_CUDA),
        ".dockerignore": "*\n!requirements*.txt\n!*.whl\n!model.*\n",
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    weights = Path(shutil.copy2(model.file, folder / "model.safetensors"))
    return Exported(
        (folder / "Dockerfile", *onnx.files, weights, wheel, *map(folder.joinpath, list(texts)[1:]))
    )


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
