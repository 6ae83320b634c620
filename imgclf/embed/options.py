"""How to embed, in one record."""

from dataclasses import dataclass
from pathlib import Path

from imgclf.embed.projection import Method
from imgclf.inference import Runtime


@dataclass(frozen=True)
class Options:
    """What a person may choose; see :func:`imgclf.embed.projection.project`.

    Attributes:
        methods: the maps to make.
        dimensions: 2 or 3.
        perplexity: of t-SNE.
        umap_neighbors: of UMAP.
        seed: of the projections and of the sample.
        limit: embed a sample of so many images.
        compare: another embed folder of the same images, or a run that has one.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        runtime: what computes a run on a CPU: ``auto`` is the faster of ONNX Runtime and PyTorch.
    """

    methods: tuple[Method, ...] = ("tsne",)
    dimensions: int = 2
    perplexity: float = 30.0
    umap_neighbors: int = 15
    seed: int = 0
    limit: int | None = None
    compare: Path | None = None
    device: str = "auto"
    runtime: Runtime = "auto"
