"""Compute with ONNX Runtime, from an exported file; no torch."""

import os
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, final

import numpy as np

from imgclf.data import cores, normalize
from imgclf.errors import MissingExtraError, ModelError, RunError, UsageError
from imgclf.inference.backend import does_not_fit
from imgclf.inference.exported import HEADER_KEY, parse_header
from imgclf.records import ModelHeader
from imgclf.words import first_line

_PROVIDERS = {
    "cpu": "CPUExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "mps": "CoreMLExecutionProvider",
}


@final
class OnnxBackend:
    """ONNX Runtime sessions over one file: one that imgclf exported, or the graph that it keeps of a model file.

    Args:
        file: an ``.onnx`` file.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        header: of the model file that a graph belongs to; None reads the file's own.

    Raises:
        MissingExtraError: ONNX Runtime is not installed.
        RunError: the file is missing, broken, not ours or from a newer version.
        UsageError: this ONNX Runtime cannot compute on the device.
    """

    name = "onnx"
    precision = "fp32"  # of a graph that belongs to a model file

    def __init__(self, file: Path, device: str, header: ModelHeader | None = None) -> None:
        self._runtime = _import_runtime()
        self._file = file
        self._device = _choose_device(self._runtime.get_available_providers(), device)
        self._sessions: dict[int, Any] = {}
        self._opening = threading.Lock()
        self._limits = threading.local()
        session = self._session_of(1)  # most work is done by workers of one thread
        self._header = header or parse_header(
            file, "ONNX", session.get_modelmeta().custom_metadata_map.get(HEADER_KEY)
        )
        self._input = session.get_inputs()[0]
        self._outputs = {output.name for output in session.get_outputs()}

    @property
    def header(self) -> ModelHeader:
        """The model's header: that it was opened with, else from the file's metadata."""
        return self._header

    @property
    def device(self) -> str:
        """The kind of device: ``cpu``, ``cuda`` or ``mps``."""
        return self._device

    @property
    def baked(self) -> bool:
        """Whether the file itself normalises: its input is uint8 (N, H, W, C), else float32 (N, C, H, W)."""
        return bool(self._input.type == "tensor(uint8)")

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self._compute(["logits"], batch)[0]

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for uint8 (N, H, W, C).

        Raises:
            ModelError: the file was exported without them.
        """
        return self._compute(["embeddings"], batch)[0]

    def logits_and_features(self, batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return both, float32 (N, K) and (N, D), in one pass; errors as for :meth:`embed`."""
        logits, features = self._compute(["logits", "embeddings"], batch)
        return logits, features

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads from now on; None is as many as it may use.

        ONNX Runtime fixes the count when a session opens, so each count has a session of its own.
        """
        self._limits.count = count

    def _compute(self, outputs: list[str], batch: np.ndarray) -> list[np.ndarray]:
        if not self._outputs.issuperset(outputs):
            raise ModelError(
                f"{self._file}: exported without embeddings. Export it again: imgclf export onnx"
            )
        fed = np.ascontiguousarray(batch) if self.baked else normalize(batch, self._header.preprocessing)
        session = self._session_of(getattr(self._limits, "count", None) or cores())
        try:
            results: list[np.ndarray] = session.run(outputs, {self._input.name: fed})
        except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception.
            if "allocat" not in str(error):
                raise
            raise does_not_fit(batch, self._device) from None
        return results

    def _session_of(self, threads: int) -> Any:
        with self._opening:
            if threads not in self._sessions:
                self._sessions[threads] = self._open(threads)
            return self._sessions[threads]

    def _open(self, threads: int) -> Any:
        options = self._runtime.SessionOptions()
        options.intra_op_num_threads = (
            threads  # its own default knows neither affinity nor a container's quota
        )
        options.inter_op_num_threads = 1
        # Its arena and its plans keep memory for every batch size that was ever seen; without them mobilenetv2_100
        # takes 7.3 ms an image in batches of 4 as with them, and 0.2 ms more alone.
        options.enable_cpu_mem_arena = False
        options.enable_mem_pattern = False
        options.log_severity_level = 3
        providers = list(dict.fromkeys([_PROVIDERS[self._device], _PROVIDERS["cpu"]]))
        open_session: Callable[..., Any] = self._runtime.InferenceSession
        try:
            return open_session(str(self._file), options, providers=providers)
        except Exception as error:  # ONNX Runtime's exceptions share no base class but Exception.
            if not self._file.is_file():
                raise RunError(f"There is no model file '{self._file}'.") from None
            raise RunError(f"{self._file}: not a readable ONNX file ({first_line(error)}).") from None


def _import_runtime() -> Any:
    be_silent()
    try:
        import onnxruntime  # noqa: PLC0415 - an extra; its absence is a sentence, not a traceback
    except ModuleNotFoundError:
        raise MissingExtraError("Predicting with an ONNX file", "onnx") from None
    return onnxruntime


def be_silent() -> None:
    """Keep ONNX Runtime from reporting to Microsoft, as it does by default; to be called before it is imported."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")


def _choose_device(providers: list[str], wanted: str) -> str:
    there = [name for name in ("cuda", "cpu", "mps") if _PROVIDERS[name] in providers]
    if wanted == "auto":
        return there[0]
    if wanted not in there:
        raise UsageError(
            f"This ONNX Runtime cannot compute on '{wanted}', only on: {', '.join(there)}. "
            f"For CUDA install onnxruntime-gpu in the place of onnxruntime."
        )
    return wanted
