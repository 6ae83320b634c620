"""The network of a run, ready to be exported: as PyTorch computes it, or as a program of torch.export."""

from collections.abc import Sequence
from copy import deepcopy

import torch

from imgclf.errors import UsageError
from imgclf.inference import Predictor, TorchBackend
from imgclf.models import Classifier, ExportGraph, FeatureLayer, example_input
from imgclf.records import Preprocessing


def torch_classifier(model: Predictor) -> Classifier:
    """Return a copy of the network of a model that PyTorch runs, its weights in torch's default memory layout.

    In the layout that is fast to compute with (channels_last), torch.export takes them for incomplete.

    Raises:
        UsageError: it is an exported file already.
    """
    if not model.has_network:
        raise UsageError(f"{model.file}: exported already. Export from the run or its model.safetensors.")
    backend = model.with_torch().backend
    assert isinstance(backend, TorchBackend)
    classifier: Classifier = deepcopy(backend.classifier)
    return classifier.to(memory_format=torch.contiguous_format)


def captured(
    classifier: Classifier,
    preprocessing: Preprocessing,
    *,
    baked: bool = False,
    layers: Sequence[FeatureLayer] = (),
    batch: int | None = None,
) -> torch.export.ExportedProgram:
    """Return the network as a program of torch.export; arguments as for :class:`ExportGraph`.

    Args:
        classifier: in eval mode, on the CPU.
        preprocessing: the model's own.
        baked: take uint8 (N, H, W, C) and normalise inside.
        layers: whose outputs follow the embeddings.
        batch: how many images it takes; None is any number.

    Raises:
        Exception: whatever the network's code runs into.
    """
    graph = ExportGraph(classifier, preprocessing, baked, layers).eval()
    example = example_input(preprocessing, baked)
    if batch is None:
        shapes = ({0: torch.export.Dim("batch", min=1)},)
        program = torch.export.export(graph, (example,), dynamic_shapes=shapes)
    else:
        program = torch.export.export(graph, (example[:1].repeat_interleave(batch, 0),))
    for node in program.graph.nodes:
        node.meta.pop("stack_trace", None)  # it holds this machine's paths
    return program
