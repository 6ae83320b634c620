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

    def compute(self, task: Task, pixels: np.ndarray) -> np.ndarray:
        """Return float32 (N, K) probabilities or (N, D) embeddings for preprocessed pixels, uint8 (N, H, W, C)."""
        if task == "embed":
            return self.predictor.embed(pixels)
        return (self.rounded or self.predictor).probabilities(pixels)
