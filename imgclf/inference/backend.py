"""What a predictor asks of the library that computes: PyTorch or ONNX Runtime, behind one small protocol."""

from typing import Protocol

import numpy as np

from imgclf.errors import OutOfMemoryError


class Backend(Protocol):
    """Computes logits and embeddings. Every method may be called from several threads at once.

    Where a batch does not fit into memory, it raises what :func:`does_not_fit` returns.
    """

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


class NetworkBackend(Backend, Protocol):
    """Computes a run's own network."""

    @property
    def precision(self) -> str:
        """The type in which it computes: ``fp32``, ``bf16`` or ``fp16``."""
        ...

    def logits_and_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return logits (N, K) and penultimate features (N, D), float32, in one pass over uint8 (N, H, W, C)."""
        ...


def does_not_fit(batch: np.ndarray, device: str) -> OutOfMemoryError:
    """Return the error of a batch, (N, H, W, C), that does not fit into a device's memory."""
    images = "One image" if len(batch) == 1 else f"A batch of {len(batch)} images"
    return OutOfMemoryError(
        f"{images} of {batch.shape[1]}x{batch.shape[2]} pixels does not fit into the memory of '{device}'. "
        f"Free some of it, or use --device cpu."
    )
