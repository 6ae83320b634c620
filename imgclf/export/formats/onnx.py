"""``imgclf export onnx``: the file, what belongs beside it, and the proof that it predicts like the run."""

from pathlib import Path
from typing import final

import numpy as np

from imgclf.data import normalize
from imgclf.export.beside import beside, write_beside
from imgclf.export.checked import write_checked
from imgclf.export.formats.format import Option
from imgclf.export.job import Exported, ExportJob
from imgclf.inference import OnnxBackend


@final
class Onnx:
    """One ``.onnx`` file: any batch size, class names and preprocessing inside."""

    name = "onnx"
    title = "ONNX"
    ending = ".onnx"
    options: frozenset[Option] = frozenset({"int8", "fp16", "bake-preprocessing"})

    def write(self, job: ExportJob) -> Exported:
        """Export to ONNX.

        In int8 most of the images set the ranges, and a quarter is kept for the check.

        Returns:
            The files: the model, ``preprocess.json``, ``predict_onnx.py`` and the report.

        Raises:
            MissingExtraError: the extra ``onnx`` is not installed.
            ModelError: the network cannot be expressed, or the check fails; the report says by how much.
        """
        texts = beside(self, job)
        every = np.arange(len(job.pixels))
        seen, unseen = _shared(every) if job.precision == "int8" else (every, every)
        report, report_file = write_checked(
            self, job, lambda file: _write(file, job, job.pixels[seen]), unseen
        )
        return Exported((job.target, *write_beside(texts), report_file), report)

    def open(self, file: Path, device: str) -> OnnxBackend:
        """Open a file with ONNX Runtime, without torch."""
        return OnnxBackend(file, device)


def _shared(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Split images into three quarters to measure ranges on and one to check with; few serve for both."""
    if len(places) < 8:
        return places, places
    return places[places % 4 != 0], places[::4]


def _write(file: Path, job: ExportJob, seen: np.ndarray) -> None:
    from imgclf.export import eight_bits, onnx_file  # noqa: PLC0415 - torch takes seconds
    from imgclf.export.graph import torch_classifier  # noqa: PLC0415

    onnx_file.write_onnx(file, torch_classifier(job.model), job.header, job.baked)
    if job.precision == "fp16":
        onnx_file.to_half(file)
    elif job.precision == "int8":
        fed = seen if job.baked else normalize(seen, job.header.preprocessing)
        eight_bits.to_eight_bits(file, [fed[index : index + 1] for index in range(len(fed))])
    onnx_file.describe(file, job.header)  # the converters drop it
