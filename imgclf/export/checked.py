"""What all exports share: the network to write, and that a file is kept only if it answers like the run."""

import json
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path

import torch

from imgclf.atomic import write_text
from imgclf.errors import ModelError, UsageError
from imgclf.export.parity import ParityReport
from imgclf.inference import Predictor
from imgclf.inference.backends.torch import TorchBackend
from imgclf.models import Classifier


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        files: the exported file first.
        report: how its answers compare with the run's.
    """

    files: tuple[Path, ...]
    report: ParityReport


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


def keep_if_alike(file: Path, output: Path, report: ParityReport) -> Path:
    """Write the report beside the file's place, and move the file there if the check passed.

    Args:
        file: as it was written, on the disk of ``output``.
        output: where it belongs.
        report: of the check.

    Returns:
        The report's file.

    Raises:
        ModelError: the check failed; the report says by how much.
    """
    # model.onnx and model.pt2 may lie in one folder.
    report_file = output.with_suffix(".parity.json" if output.suffix == ".onnx" else ".pt2.parity.json")
    content = {"file": output.name, **report.to_dict()}
    write_text(report_file, json.dumps(content, indent=2) + "\n")
    if not report.passed:
        raise ModelError(
            f"'{output.name}' does not answer like the model it was made from: {report}. It was not kept; "
            f"{report_file} has the figures. Export in a higher precision, or allow more with --tolerance."
        )
    file.replace(output)
    return report_file
