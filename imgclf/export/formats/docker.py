"""``imgclf export docker``: a folder that builds into a server image, for CPU and for CUDA."""

import sys
from dataclasses import replace
from importlib.metadata import requires
from pathlib import Path
from typing import final

from packaging.requirements import Requirement

from imgclf.atomic import write_text
from imgclf.errors import ModelError
from imgclf.export.formats.format import Option
from imgclf.export.formats.onnx import Onnx
from imgclf.export.job import Exported, ExportJob
from imgclf.export.pins import pinned
from imgclf.export.templates import filled
from imgclf.export.wheel import write_plugin_wheel, write_wheel
from imgclf.inference import OnnxBackend, Predictor
from imgclf.runs import read_weights, save_model_file

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


@final
class Docker:
    """Dockerfiles, compose file, pinned requirements, the package and the model as ONNX and as ours."""

    name = "docker"
    title = "Docker"
    ending = ""
    options: frozenset[Option] = Onnx.options

    def write(self, job: ExportJob) -> Exported:
        """Write what ``docker build`` is given; the model is checked as ONNX.

        Raises:
            ModelError: see :meth:`Onnx.write`, or a plugin that has the network cannot be packed.
        """
        folder = job.target
        onnx = Onnx().write(replace(job, target=folder / "model.onnx"))
        model, arch, package = job.model, job.header.arch, _package(job.model)
        wheel, plugin = write_wheel(folder), _plugin_wheel(arch, package, folder)
        texts = _texts(arch, package, " ".join(path.name for path in (wheel, plugin) if path), wheel)
        for name, text in texts.items():
            write_text(folder / name, text)
        weights = folder / "model.safetensors"
        save_model_file(weights, read_weights(model.file), job.header)
        added = [weights, wheel, *([plugin] if plugin else []), *map(folder.joinpath, list(texts)[1:])]
        return Exported((folder / "Dockerfile", *onnx.files, *added), onnx.report)

    def open(self, file: Path, device: str) -> OnnxBackend:
        """Open the ONNX file in the folder."""
        return Onnx().open(file / "model.onnx", device)


def _texts(arch: str, package: str | None, wheels: str, wheel: Path) -> dict[str, str]:
    words = {
        "WHEEL": wheel.name,
        "WHEELS": wheels,
        "MODEL": arch,
        "TAG": f"imgclf-{_plain(arch)}",
        # The pinned versions are those of this Python: another one may have no wheels of them.
        "PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
    }
    return {
        "Dockerfile": filled("Dockerfile.txt", **words),
        "Dockerfile.cuda": filled("Dockerfile.cuda.txt", **words),
        "compose.yaml": filled("compose.yaml.txt", **words),
        "requirements.txt": pinned(_CPU),
        "requirements.cuda.txt": pinned((*_CUDA, *_needs(package))),
        ".dockerignore": "*\n!requirements*.txt\n!*.whl\n!model.*\n",
    }


def _package(model: Predictor) -> str | None:
    """Return the package that has the network, where it is neither timm's nor ours; ONNX needs none."""
    recorded = model.header.provenance.get("model_package")
    return str(recorded).split()[0] if recorded else None


def _plugin_wheel(arch: str, package: str | None, folder: Path) -> Path | None:
    """Pack the plugin of a network.

    Raises:
        ModelError: it cannot be packed.
    """
    if package is None:
        return None
    wheel = write_plugin_wheel(folder, package)
    if wheel is None:
        raise ModelError(
            f"The network '{arch}' comes from the package '{package}', whose files are not where pip puts them (an "
            f"editable install?). Install it as it is, and export again: pip install PATH"
        )
    return wheel


def _needs(package: str | None) -> list[str]:
    """Return what a plugin requires."""
    given = (Requirement(text) for text in (requires(package) or () if package else ()))
    return [each.name for each in given if each.marker is None or each.marker.evaluate({"extra": ""})]


def _plain(name: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in name.lower()).strip("-")
