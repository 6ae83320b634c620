"""``imgclf export space``: a folder that is a Hugging Face Space, with no training code inside."""

import sys
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from itertools import groupby
from pathlib import Path
from typing import final

import numpy as np

from imgclf.atomic import write_text
from imgclf.export.formats.format import Option
from imgclf.export.formats.torch_program import ProgramBackend, TorchProgram, write_program
from imgclf.export.job import Exported, ExportJob
from imgclf.export.pins import pinned
from imgclf.export.public import dataset_name
from imgclf.export.templates import filled
from imgclf.inference import Predictor
from imgclf.records import ModelHeader
from imgclf.runs import EXAMPLES, MISCLASSIFIED, Run, ToKeep, keep_images, kept_images

_GRADIO = "6.31.0"  # where none is installed here: one that was tried
_PILLOW = "pillow>=12.3,<13\n"  # 12.3 closed holes in its decoders; Gradio 6 refuses 13
_INDEX = "--extra-index-url https://download.pytorch.org/whl/cpu\n"  # a tenth of the size of PyPI's, which brings CUDA
_EXAMPLES = 10
_MISTAKES = 30
_LAST_LAYERS = 5
_ATTRIBUTES = "".join(f"*.{ending} filter=lfs diff=lfs merge=lfs -text\n" for ending in ("pt2", "png", "jpg"))


@final
class Space:
    """Page, network, requirements, README, examples and misclassified images."""

    name = "space"
    title = "Hugging Face Space"
    ending = ""
    options: frozenset[Option] = frozenset()

    def write(self, job: ExportJob) -> Exported:
        """Write the folder; the network is a checked program of torch.export.

        Examples and misclassified images are the run's; where it kept none, the examples are the job's images.

        Raises:
            ModelError: see :func:`write_program`.
        """
        folder, (layers, default) = job.target, _layers(job.model)
        exported = write_program(replace(job, target=folder / "model.pt2"), layers)
        words = {**_words(job.model.header), "LAYER": str(layers.index(default))}
        texts = {
            "app.py": filled("space_app.py.txt", **words),
            "network.py": filled("space_network.py.txt", IMAGES=filled("images.py.txt")),
            "README.md": filled("space_README.md.txt", **words),
            "requirements.txt": _INDEX + pinned(["numpy", "torch"], dependencies=False) + _PILLOW,
            ".gitattributes": _ATTRIBUTES,
        }
        for name, text in texts.items():
            write_text(folder / name, text)
        _keep(folder, job.run, job.pixels)
        kept = [one.path for name in (EXAMPLES, MISCLASSIFIED) for one in kept_images(folder / name)]
        return Exported((*map(folder.joinpath, texts), *exported.files, *kept), exported.report)

    def open(self, file: Path, device: str) -> ProgramBackend:
        """Open the program in the folder."""
        return TorchProgram().open(file / "model.pt2", device)


def _layers(model: Predictor) -> tuple[list[str], str]:
    """Return the layers to choose from, in forward order, and the one to begin with.

    They are the last few, the last of each size of map before them, and the one that ``auto`` takes.
    """
    from imgclf.export.graph import torch_classifier  # noqa: PLC0415 - torch takes seconds
    from imgclf.models import Trace  # noqa: PLC0415

    classifier, size = torch_classifier(model), model.header.preprocessing.image_size
    trace = Trace.of(classifier, size)
    every, automatic = trace.layers, trace.choose("auto")
    chosen = [list(same)[-1] for _, same in groupby(every[:-_LAST_LAYERS], key=lambda layer: layer.grid)]
    chosen += every[-_LAST_LAYERS:]
    if automatic.name not in [layer.name for layer in chosen]:
        chosen.append(automatic)
    return [layer.name for layer in sorted(chosen, key=lambda layer: layer.index)], automatic.name


def _keep(folder: Path, run: Run | None, pixels: np.ndarray) -> None:
    """Copy the run's images without what the dataset calls them, which may be a path of this machine."""
    for name, most in ((EXAMPLES, _EXAMPLES), (MISCLASSIFIED, _MISTAKES)):
        found = kept_images(run.path / name) if run else []
        images = [ToKeep(one.path, "", one.true_label, one.label, one.confidence) for one in found]
        if not images and name == EXAMPLES:
            places = np.linspace(0, len(pixels) - 1, min(_EXAMPLES, len(pixels))).astype(int)
            images = [ToKeep(pixels[place].squeeze(), "", "") for place in places]
        if images:
            keep_images(folder / name, images, most)


def _words(header: ModelHeader) -> dict[str, str]:
    names = header.class_names
    shown = ", ".join(names[:10]) + (f" and {len(names) - 10} more" if len(names) > 10 else "")
    height, width = header.preprocessing.image_size
    try:
        gradio = version("gradio")
    except PackageNotFoundError:
        gradio = _GRADIO
    return {
        "TITLE": _one_line(f"Image classifier: {header.arch}"),
        "DESCRIPTION": _one_line(f"Tells {len(names)} classes apart: {shown}."),
        "ARCH": header.arch,
        "SIZE": f"{height}x{width}",
        "CLASSES": str(len(names)),
        "DATASET": _one_line(dataset_name(header)),
        "GRADIO": gradio,
        "PYTHON": f"{sys.version_info.major}.{sys.version_info.minor}",
    }


def _one_line(text: str) -> str:
    """Make a text safe inside a Python string and a YAML value: class names are whatever folders are called."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())
