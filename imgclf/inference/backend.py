"""What a predictor asks of the library that computes: PyTorch or ONNX Runtime, behind one small protocol."""

from typing import Protocol

import numpy as np


class Backend(Protocol):
    """Computes logits and embeddings. Every method may be called from several threads at once."""

    @property
    def name(self) -> str:
        """``torch`` or ``onnx``."""
        ...

    @property
    def device(self) -> str:
        """``cpu``, ``cuda`` or ``mps``."""
        ...

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        ...

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for preprocessed pixels, uint8 (N, H, W, C)."""
        ...

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads from now on; None is what the library chooses.

        N threads of one each beat one of N when anything else shares the cores: threads of one operator
        that wait for each other stall all of them.
        """
        ...
