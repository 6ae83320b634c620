"""``imgclf export torch``: the network as a ``torch.export`` program (.pt2), without imgclf or timm to run it."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch

from imgclf.data import normalize
from imgclf.errors import ModelError
from imgclf.export.checked import Exported, keep_if_alike, torch_classifier
from imgclf.export.graph import ExportGraph, example_input
from imgclf.export.parity import compare_answers
from imgclf.export.public import public_header
from imgclf.inference import Predictor
from imgclf.models import Classifier, FeatureLayer, choose_layer
from imgclf.records import ModelHeader
from imgclf.words import first_line


def export_torch(
    model: Predictor,
    output: Path,
    pixels: np.ndarray,
    *,
    tolerance: float | None = None,
    layers: Sequence[str] = (),
) -> Exported:
    """Write a ``.pt2`` file and check it on real images.

    Load it with ``torch.export.load(file).module()``; it maps normalised images, float32 (N, C, H, W), to logits
    (N, K), embeddings (N, D) and the outputs of layers. The model file's header is in its extra file
    ``imgclf.json``, with ``layers`` to say how to read their outputs.

    Args:
        model: opened with PyTorch on the CPU.
        output: the ``.pt2`` file; it is written only if the check passes.
        pixels: real images, uint8 (N, H, W, C).
        tolerance: largest difference of a probability; None takes that of float32.
        layers: names of layers whose outputs are outputs of the program, so that Grad-CAM can be computed.

    Returns:
        The files: the program and the report ``<name>.pt2.parity.json``.

    Raises:
        ModelError: torch cannot capture this network, or the check fails.
    """
    header = public_header(model.header)
    classifier = torch_classifier(model)
    shown = [choose_layer(classifier, header.preprocessing.image_size, name) for name in layers]
    program = _capture(classifier, header, shown)
    described = {**header.to_dict(), "layers": [_described(layer) for layer in shown]}
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
        file = Path(folder) / output.name
        torch.export.save(program, file, extra_files={"imgclf.json": json.dumps(described)})
        report = compare_answers(model, _logits(file, header), pixels, tolerance=tolerance)
        report_file = keep_if_alike(file, output, report)
    return Exported((output, report_file), report)


def _capture(
    classifier: Classifier, header: ModelHeader, layers: Sequence[FeatureLayer]
) -> torch.export.ExportedProgram:
    graph = ExportGraph(classifier, header.preprocessing, baked=False, layers=layers).eval()
    example = example_input(header.preprocessing, baked=False)
    batch = torch.export.Dim("batch", min=1)
    try:
        program = torch.export.export(graph, (example,), dynamic_shapes=({0: batch},))
    except Exception as error:  # The exporter raises whatever the network's code runs into.
        raise ModelError(
            f"The network '{header.arch}' cannot be captured by torch.export: {first_line(error)}."
        ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds this machine's paths
    return program


def _described(layer: FeatureLayer) -> dict[str, Any]:
    return {
        "name": layer.name,
        "layout": layer.layout,
        "grid": list(layer.grid),
        "prefix_tokens": layer.prefix_tokens,
    }


def _logits(file: Path, header: ModelHeader) -> Callable[[np.ndarray], np.ndarray]:
    network = torch.export.load(file).module()

    def compute(pixels: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            logits: np.ndarray = network(torch.from_numpy(normalize(pixels, header.preprocessing)))[0].numpy()
        return logits

    return compute
