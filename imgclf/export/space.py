"""``imgclf export space``: a folder that is a Hugging Face Space, with no training code inside."""

from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.export.onnx_export import Exported
from imgclf.export.pins import pinned
from imgclf.export.public import dataset_name
from imgclf.export.templates import filled
from imgclf.records import ModelHeader
from imgclf.runs import write_atomically, write_text

_GRADIO = "6.31.0"  # where none is installed here: one that was tried
_PILLOW = "pillow>=12.3,<13\n"  # 12.3 closed holes in its decoders; Gradio 6 refuses 13
_EXAMPLES = 6


def export_space(header: ModelHeader, onnx: Exported, pixels: np.ndarray, folder: Path) -> Exported:
    """Write page, requirements, README and examples beside the exported model.

    Args:
        header: what the model file says of itself.
        onnx: its export to ``folder / "model.onnx"``.
        pixels: real images, uint8 (N, H, W, C); a few of them become the page's examples.
        folder: the Space.
    """
    words = _words(header)
    texts = {
        "app.py": filled("space_app.py.txt", **words),
        "README.md": filled("space_README.md.txt", **words),
        "requirements.txt": pinned(["numpy", "onnxruntime"], dependencies=False) + _PILLOW,
    }
    for name, text in texts.items():
        write_text(folder / name, text)
    examples = [
        _write_example(folder / "examples" / f"{number}.png", pixels[index])
        for number, index in enumerate(
            np.linspace(0, len(pixels) - 1, min(_EXAMPLES, len(pixels))).astype(int)
        )
    ]
    return Exported((*map(folder.joinpath, texts), *onnx.files, *examples), onnx.report)


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
    }


def _one_line(text: str) -> str:
    """Make a text safe inside a Python string and a YAML value: class names are whatever folders are called."""
    return " ".join(text.replace("\\", "/").replace('"', "'").split())


def _write_example(path: Path, pixels: np.ndarray) -> Path:
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    write_atomically(path, lambda file: image.save(file, format="PNG"))
    return path
