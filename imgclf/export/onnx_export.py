"""``imgclf export onnx``: the file, what belongs beside it, and the proof that it answers like the run."""

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Literal

import numpy as np
import torch

from imgclf.data import normalize
from imgclf.errors import ModelError, UsageError
from imgclf.export.onnx_file import describe, to_eight_bits, to_half, write_onnx
from imgclf.export.parity import TOLERANCES, ParityReport, compare_answers
from imgclf.export.public import public_header
from imgclf.export.templates import filled
from imgclf.inference import Predictor
from imgclf.inference.backends.torch import TorchBackend
from imgclf.models import Classifier
from imgclf.records import ModelHeader
from imgclf.runs import write_text

Precision = Literal["fp32", "fp16", "int8"]


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        files: the exported file first.
        report: how its answers compare with the run's; None where the format is not checked.
    """

    files: tuple[Path, ...]
    report: ParityReport | None = None


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
        tolerance: largest difference of a probability; by default what the precision is good for.

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
    report_file = output.with_suffix(".parity.json")
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
        file = Path(folder) / output.name
        write_onnx(file, torch_classifier(model), header, baked)
        _reduce(file, header, precision, seen, baked)
        checked = unseen if precision == "int8" else pixels
        limit = TOLERANCES[precision] if tolerance is None else tolerance
        report = compare_answers(model, Predictor.open(file, device="cpu"), checked, limit)
        content = {"file": output.name, "precision": precision, **report.to_dict()}
        write_text(report_file, json.dumps(content, indent=2) + "\n")
        if not report.passed:
            raise ModelError(_failure(output, report, report_file))
        file.replace(output)
    return Exported((output, *_write_beside(output, header), report_file), report)


def torch_classifier(model: Predictor) -> Classifier:
    """Return a copy of the network of a model that PyTorch runs, its weights in torch's default memory layout.

    In the layout that is fast to compute with (channels_last), torch.export takes them for incomplete.

    Raises:
        UsageError: it is an exported file already.
    """
    if not isinstance(model.backend, TorchBackend):
        raise UsageError(f"{model.file}: exported already. Export from the run or its model.safetensors.")
    classifier: Classifier = deepcopy(model.backend.classifier)
    return classifier.to(memory_format=torch.contiguous_format)


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
    write_text(script, filled("predict_onnx.py.txt", MODEL=output.name))
    return described, script


def _failure(output: Path, report: ParityReport, report_file: Path) -> str:
    return (
        f"'{output.name}' does not answer like the model it was made from: on {report.images} images a probability "
        f"differs by up to {report.max_probability_difference:.2g} (allowed: {report.tolerance:g}) and "
        f"{report.top1_agreement:.0%} of the best classes agree. It was not kept; {report_file} has the figures. "
        f"Export in a higher precision, or allow more with --tolerance."
    )
