"""A model that is ready to serve."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from imgclf.inference import Predictor

Task: TypeAlias = Literal["probabilities", "embed"]


@dataclass(frozen=True)
class LoadedModel:
    """A model that is ready to serve.

    Attributes:
        predictor: computes in full precision: embeddings, maps, and predictions where nothing else does.
        fingerprint: of its file.
        batch_cap: images computed at once; more would be slower for each.
        rounded: computes predictions in bf16, where that is faster and keeps the answers.
    """

    predictor: Predictor
    fingerprint: str
    batch_cap: int
    rounded: Predictor | None = None

    @property
    def precision(self) -> str:
        """In which type predictions are computed."""
        return "bf16" if self.rounded else self.predictor.precision

    @property
    def engine(self) -> str:
        """Which library computes predictions: ``onnx``, ``torch`` or another format's."""
        return (self.rounded or self.predictor).backend.name

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with so many threads; see :meth:`Backend.limit_threads`."""
        self.predictor.limit_threads(count)
        if self.rounded is not None:  # PyTorch may round what ONNX Runtime computes in full
            self.rounded.limit_threads(count)

    def compute(self, task: Task, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (N, K) probabilities or (N, D) embeddings for preprocessed pixels, uint8 (N, H, W, C)."""
        if task == "embed":
            return self.predictor.embed(pixels)
        return (self.rounded or self.predictor).probabilities(pixels)
