"""Compute with PyTorch, from our own model file."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, final

import numpy as np
import torch
from torch import Tensor

from imgclf.data import normalize_on_device
from imgclf.inference.backend import does_not_fit
from imgclf.models import Classifier, ExportGraph, choose_device, classifier_from_header
from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import read_weights

Precision = Literal["fp32", "bf16", "fp16"]

_DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@final
class TorchBackend:
    """A classifier in eval mode on one device.

    Args:
        classifier: the network; it is moved to the device.
        preprocessing: how an image becomes its input.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: the type in which the network computes; logits are float32 whatever it is.

    Raises:
        UsageError: the device is not there.
    """

    name = "torch"

    def __init__(
        self, classifier: Classifier, preprocessing: Preprocessing, device: str, precision: Precision = "fp32"
    ) -> None:
        self._device = torch.device(choose_device(device))
        self._precision: Precision = precision
        self._dtype = _DTYPES[precision]
        self._spec = preprocessing
        with _one_thread():
            classifier.requires_grad_(False).eval()
            classifier.to(self._device, self._dtype).to(memory_format=torch.channels_last)
        self._classifier = classifier
        self._graph = ExportGraph(classifier, preprocessing, baked=False)

    @classmethod
    def open(
        cls, file: Path, header: ModelHeader, device: str, precision: Precision = "fp32"
    ) -> "TorchBackend":
        """Open a model file.

        Raises:
            UsageError: the device is not there.
            RunError: the file is missing or broken.
        """
        with _one_thread():
            classifier = classifier_from_header(header, read_weights(file))
        return cls(classifier, header.preprocessing, device, precision)

    @property
    def precision(self) -> Precision:
        """The type in which the network computes."""
        return self._precision

    @property
    def device(self) -> str:
        """The kind of device: ``cpu``, ``cuda`` or ``mps``."""
        return self._device.type

    @property
    def classifier(self) -> Classifier:
        """The network itself, for explaining and exporting; in eval mode, its parameters frozen."""
        return self._classifier

    def normalized(self, batch: np.ndarray) -> Tensor:
        """Return what the network is given, (N, C, H, W) on the device, for uint8 (N, H, W, C)."""
        pixels = torch.from_numpy(np.require(batch, requirements=["C", "W"])).to(self._device)
        return normalize_on_device(pixels, self._spec).to(self._dtype)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self._compute(self._classifier, batch)[0]

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for uint8 (N, H, W, C)."""
        return self._compute(self._classifier.embed, batch)[0]

    def logits_and_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both, float32 (N, K) and (N, D), in one pass."""
        logits, features = self._compute(self._graph, batch)
        return logits, features

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads; None makes its present count the default again.

        torch keeps the count per thread, but every call also sets the default of threads to come. Hence the
        None: the thread that started limited ones calls it once they are done.
        """
        torch.set_num_threads(torch.get_num_threads() if count is None else count)

    def _compute(
        self, network: Callable[..., Tensor | tuple[Tensor, ...]], batch: np.ndarray
    ) -> list[np.ndarray]:
        try:
            with torch.inference_mode():
                outputs = network(self.normalized(batch))
                outputs = (outputs,) if isinstance(outputs, Tensor) else outputs
                return [output.float().cpu().numpy() for output in outputs]
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            raise does_not_fit(batch, self.device) from None


@contextmanager
def _one_thread() -> Iterator[None]:
    """Compute with one thread: on shared cores a second one made opening a model ten times slower (0.5 s)."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
