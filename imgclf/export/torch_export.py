"""``imgclf export torch``: the network as a ``torch.export`` program (.pt2), without imgclf or timm to run it."""

import json
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import torch

from imgclf.data import normalize
from imgclf.errors import ModelError
from imgclf.export.graph import ExportGraph, example_input
from imgclf.export.onnx_export import Exported, torch_classifier
from imgclf.export.public import public_header
from imgclf.inference import Predictor, softmax

_TOLERANCE = 1e-5


def export_torch(model: Predictor, output: Path, pixels: np.ndarray) -> Exported:
    """Write a ``.pt2`` file and check it on real images.

    Load it with ``torch.export.load(file).module()``; it maps normalised images, float32 (N, C, H, W), to logits
    (N, K) and embeddings (N, D). The model file's header is in its extra file ``imgclf.json``.

    Args:
        model: opened with PyTorch on the CPU.
        output: the ``.pt2`` file; it is written only if the check passes.
        pixels: real images, uint8 (N, H, W, C).

    Raises:
        ModelError: torch cannot capture this network, or the check fails.
    """
    header = public_header(model.header)
    graph = ExportGraph(torch_classifier(model), header.preprocessing, baked=False).eval()
    example = example_input(header.preprocessing, baked=False)
    try:
        program = torch.export.export(
            graph, (example,), dynamic_shapes=({0: torch.export.Dim("batch", min=1)},)
        )
    except Exception as error:  # The exporter raises whatever the network's code runs into.
        first = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
        raise ModelError(
            f"The network '{header.arch}' cannot be captured by torch.export: {first}."
        ) from error
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds this machine's paths
    output.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=output.parent, prefix=".export-") as folder:
        file = Path(folder) / output.name
        torch.export.save(program, file, extra_files={"imgclf.json": json.dumps(header.to_dict())})
        difference = _difference(model, file, pixels)
        if not difference <= _TOLERANCE:
            raise ModelError(
                f"'{output.name}' does not answer like the model it was made from: a probability differs by up to "
                f"{difference:.2g} (allowed: {_TOLERANCE:g}). It was not kept."
            )
        file.replace(output)
    return Exported((output,))


def _difference(model: Predictor, file: Path, pixels: np.ndarray) -> float:
    """Return the largest difference of a probability, image by image and with all in one batch."""
    network = torch.export.load(file).module()
    images = torch.from_numpy(normalize(pixels, model.header.preprocessing))
    expected = softmax(model.logits(pixels))
    with torch.inference_mode():
        together = network(images)[0].numpy()
        alone = np.concatenate(
            [network(images[index : index + 1])[0].numpy() for index in range(len(images))]
        )
    return float(max(np.abs(softmax(logits) - expected).max() for logits in (together, alone)))
