"""Write the graph of a network, and keep it only if it gives what torch gives on real images."""

from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from PIL import Image

from imgclf.data import preprocess, read_image, read_input
from imgclf.errors import ImageError, ModelError
from imgclf.inference.backends.onnx import OnnxBackend
from imgclf.inference.backends.torch import TorchBackend
from imgclf.models import Classifier, ExportGraph, example_input, quiet_export
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import EXAMPLES, kept_images
from imgclf.task import SINGLE_LABEL

PROBABILITY_TOLERANCE = 1e-4
"""Largest difference of a probability between the graph and torch."""
FEATURE_TOLERANCE = 1e-3
"""The same of a penultimate feature, as a share of the largest one."""
_BATCHES = (1, 2, 5)  # the exporter sees two images: other sizes show whether it took that for a constant
_IMAGES = 10
_OPSET = 18


@dataclass(frozen=True)
class Agreement:
    """How far a graph is from torch: largest difference of a probability, and of a feature relative to the largest."""

    probability: float
    feature: float

    @property
    def good(self) -> bool:
        """Whether the graph may stand for the network; never where something is not a number."""
        return self.probability <= PROBABILITY_TOLERANCE and self.feature <= FEATURE_TOLERANCE


def make_graph(network: TorchBackend, header: ModelHeader, place: Path, pixels: np.ndarray) -> Agreement:
    """Write the graph of a model file's network.

    Torch's exporter that traces is tried first: it takes a tenth of the time of the newer one, which follows where
    the traced graph is refused (measured with torch 2.14: mobilenetv2_100 0.5 and 11 CPU seconds, equally fast then).

    Args:
        network: the model, on the CPU in float32.
        header: of the model file.
        place: where the graph goes, once it is found good.
        pixels: real images to compare on, preprocessed, uint8 (N, H, W, C).

    Raises:
        ModelError: the network cannot be exported, or its graph gives something else.
        OSError: the place cannot be written to.
    """
    place.parent.mkdir(parents=True, exist_ok=True)
    reason = ""
    with TemporaryDirectory(dir=place.parent, prefix=".graph-") as folder:
        written = Path(folder) / place.name
        for newer in (False, True):
            try:
                write_graph(written, network.classifier, header.preprocessing, newer=newer)
                found = compare(network, OnnxBackend(written, "cpu", header), header, pixels)
            except Exception as error:  # exporters and runtimes raise whatever they run into
                reason = (str(error).strip().splitlines() or [type(error).__name__])[0].rstrip(".")
                continue
            if found.good:
                written.replace(place)
                return found
            reason = (
                f"its probabilities differ by {found.probability:.1g}, its features by {found.feature:.1g}"
            )
    raise ModelError(f"'{header.arch}' cannot be computed by ONNX Runtime: {reason}.")


def write_graph(path: Path, classifier: Classifier, preprocessing: Preprocessing, *, newer: bool) -> None:
    """Write a network as ONNX: ``images`` float32 (N, C, H, W) in, ``logits`` (N, K) and ``embeddings`` (N, D) out."""
    graph = ExportGraph(classifier, preprocessing, baked=False).eval()
    example = (example_input(preprocessing, baked=False),)
    names: dict[str, Any] = {"input_names": ["images"], "output_names": ["logits", "embeddings"]}
    with quiet_export(), torch.no_grad():
        if newer:
            free = ({0: torch.export.Dim("batch", min=1)},)
            torch.onnx.export(
                graph,
                example,
                path,
                dynamo=True,
                dynamic_shapes=free,
                external_data=False,
                verbose=False,
                **names,
            )
        else:
            free_axes = {name: {0: "batch"} for name in ("images", "logits", "embeddings")}
            torch.onnx.export(
                graph, example, str(path), dynamo=False, dynamic_axes=free_axes, opset_version=_OPSET, **names
            )


def compare(network: TorchBackend, graph: OnnxBackend, header: ModelHeader, pixels: np.ndarray) -> Agreement:
    """Measure how far a graph is from torch on preprocessed pixels, uint8 (N, H, W, C)."""
    expected, features = network.logits(pixels), network.embed(pixels)
    probabilities = SINGLE_LABEL.probabilities(expected, min(header.temperature, 1.0))
    largest = max(float(np.abs(features).max()), 1e-6)
    differences = []
    for size in _BATCHES:
        logits, embeddings = _in_batches(graph, pixels, size)
        found = SINGLE_LABEL.probabilities(logits, min(header.temperature, 1.0))
        differences.append(
            (np.abs(found - probabilities).max(), np.abs(embeddings - features).max() / largest)
        )
    probability, feature = np.max(differences, axis=0).tolist()
    return Agreement(probability, feature)


def real_pixels(folder: Path, spec: Preprocessing) -> np.ndarray:
    """Return images to compare on, uint8 (N, H, W, C): those that a run keeps, and crops of two photographs."""
    pixels = []
    for kept in kept_images(folder / EXAMPLES)[:_IMAGES]:
        try:
            pixels.append(read_input(kept.path, spec)[0])
        except ImageError:
            continue
    for photograph in _photographs():
        image = read_image(photograph, channels=spec.channels)
        width, height = image.size
        for left, top in ((0, 0), (width // 3, height // 3)):
            pixels.append(preprocess(image.crop((left, top, left + width // 2, top + height // 2)), spec))
    return np.stack(pixels)


def _photographs() -> list[Path | Image.Image]:
    """Return scikit-learn's two sample photographs; a gradient where it is not installed."""
    found = find_spec("sklearn")
    places = [
        Path(place) / "datasets" / "images" for place in (found and found.submodule_search_locations) or ()
    ]
    photographs = [path for place in places for path in sorted(place.glob("*.jpg"))]
    return [*photographs] or [Image.linear_gradient("L").resize((640, 427))]


def _in_batches(graph: OnnxBackend, pixels: np.ndarray, size: int) -> tuple[np.ndarray, np.ndarray]:
    parts = [graph.logits_and_features(pixels[at : at + size]) for at in range(0, len(pixels), size)]
    return np.concatenate([logits for logits, _ in parts]), np.concatenate(
        [features for _, features in parts]
    )
