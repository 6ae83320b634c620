"""``imgclf export onnx``: the file, what belongs beside it, and the proof that it answers like the run."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from imgclf.atomic import write_text
from imgclf.data import normalize
from imgclf.export.checked import Exported, keep_if_alike, torch_classifier
from imgclf.export.onnx_file import describe, to_eight_bits, to_half, write_onnx
from imgclf.export.parity import Precision, compare_answers
from imgclf.export.public import public_header
from imgclf.export.templates import filled
from imgclf.inference import Predictor
from imgclf.records import ModelHeader


def export_onnx(
    model: Predictor,
    output: Path,
    pixels: np.ndarray,
    *,
    precision: Precision = "fp32",
    baked: bool = False,
    tolerance: float | None = None,
) -> Exported:
    """Export a model to ONNX and check it.

    Args:
        model: opened with PyTorch on the CPU.
        output: the ``.onnx`` file; it is written only if the check passes.
        pixels: real images as the model's preprocessing leaves them, uint8 (N, H, W, C). For int8 most of them
            set the ranges, and a quarter is kept for the check.
        precision: ``fp32``, ``fp16`` or ``int8``.
        baked: normalise inside, so that the input is uint8 (N, H, W, C).
        tolerance: the difference of a probability that passes; by default what the precision is good for.

    Returns:
        The files: the model, ``preprocess.json``, ``predict_onnx.py`` and the report ``<name>.parity.json``.

    Raises:
        MissingExtraError: the extra ``onnx`` is not installed.
        ModelError: the network cannot be expressed, or the check fails; the report says by how much.
    """
    header = public_header(model.header)
    seen, unseen = (
        (pixels[np.arange(len(pixels)) % 4 != 0], pixels[::4]) if len(pixels) >= 8 else (pixels, pixels)
    )
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
        file = Path(folder) / output.name
        write_onnx(file, torch_classifier(model), header, baked)
        _reduce(file, header, precision, seen, baked)
        written = Predictor.open(file, device="cpu")
        checked = unseen if precision == "int8" else pixels
        report = compare_answers(model, written.logits, checked, precision, tolerance)
        report_file = keep_if_alike(file, output, report)
    return Exported((output, *_write_beside(output, header), report_file), report)


def _reduce(file: Path, header: ModelHeader, precision: Precision, images: np.ndarray, baked: bool) -> None:
    if precision == "fp32":
        return
    if precision == "fp16":
        to_half(file)
    else:
        fed = images if baked else normalize(images, header.preprocessing)
        to_eight_bits(file, [fed[index : index + 1] for index in range(len(fed))])
    describe(file, header)  # the converters drop it


def _write_beside(output: Path, header: ModelHeader) -> tuple[Path, Path]:
    described, script = output.with_name("preprocess.json"), output.with_name("predict_onnx.py")
    values = header.to_dict()
    kept = {key: values[key] for key in ("arch", "class_names", "preprocessing", "temperature", "threshold")}
    write_text(described, json.dumps(kept, indent=2, ensure_ascii=False) + "\n")
    write_text(script, filled("predict_onnx.py.txt", IMAGES=filled("images.py.txt"), MODEL=output.name))
    return described, script
