"""``imgclf export openvino``: OpenVINO's own two files, converted by its own reader of ONNX."""

import json
import threading
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, final

import numpy as np

from imgclf.data import normalize
from imgclf.errors import MissingExtraError, RunError, UsageError
from imgclf.export.beside import beside, write_beside
from imgclf.export.checked import write_checked
from imgclf.export.formats.format import Option
from imgclf.export.job import Exported, ExportJob
from imgclf.inference import HEADER_KEY, parse_header
from imgclf.records import ModelHeader
from imgclf.words import first_line


@final
class OpenVino:
    """An ``.xml`` file of the graph and a ``.bin`` file of weights beside it: any batch size, the header inside."""

    name = "openvino"
    title = "OpenVINO"
    ending = ".xml"
    options: frozenset[Option] = frozenset({"fp16", "bake-preprocessing"})

    def write(self, job: ExportJob) -> Exported:
        """Export to OpenVINO; with ``--fp16`` the weights are stored in half precision.

        Returns:
            The files: graph, weights, ``preprocess.json``, ``predict_openvino.py`` and the report.

        Raises:
            MissingExtraError: the extra ``openvino`` is not installed.
            ModelError: the network cannot be expressed, or the check fails; the report says by how much.
        """
        _import()
        texts = beside(self, job)
        report, report_file = write_checked(self, job, lambda file: _write(file, job))
        weights = job.target.with_suffix(".bin")
        return Exported((job.target, weights, *write_beside(texts), report_file), report)

    def open(self, file: Path, device: str) -> "OpenVinoBackend":
        """Open a graph with OpenVINO, without torch."""
        return OpenVinoBackend(file, device)


def _write(file: Path, job: ExportJob) -> None:
    from imgclf.export.graph import torch_classifier  # noqa: PLC0415 - torch takes seconds
    from imgclf.export.onnx_file import write_onnx  # noqa: PLC0415

    openvino = _import()
    with TemporaryDirectory() as folder:
        graph = Path(folder) / "model.onnx"
        write_onnx(graph, torch_classifier(job.model), job.header, job.baked)
        # OpenVINO reads ONNX by itself; its separate converter is not needed.
        model = openvino.Core().read_model(graph)
        model.set_rt_info(json.dumps(job.header.to_dict()), HEADER_KEY)
        openvino.save_model(model, file, compress_to_fp16=job.precision == "fp16")  # which is its default


@final
class OpenVinoBackend:
    """An OpenVINO graph on the CPU, in float32 arithmetic.

    Args:
        file: an ``.xml`` file that imgclf exported, with its ``.bin`` file beside it.
        device: ``auto`` or ``cpu``.

    Raises:
        MissingExtraError: OpenVINO is not installed.
        RunError: the file is missing, broken, not ours or from a newer version.
        UsageError: another device was asked for.
    """

    name = "openvino"
    device = "cpu"

    def __init__(self, file: Path, device: str) -> None:
        self._core = _import().Core()
        if device not in ("auto", "cpu"):
            raise UsageError(f"{file}: imgclf computes OpenVINO files on the CPU, not on '{device}'.")
        if not file.is_file():
            raise RunError(f"There is no model file '{file}'.")
        try:
            self._model = self._core.read_model(file)
        except RuntimeError as error:
            reason = [line for line in str(error).splitlines() if not line.startswith("Exception from")]
            raise RunError(
                f"{file}: not a readable OpenVINO file ({first_line(RuntimeError(*reason[:1]))})."
            ) from None
        text = str(self._model.get_rt_info(HEADER_KEY).value) if self._model.has_rt_info(HEADER_KEY) else None
        self._header = parse_header(file, OpenVino.title, text)
        self._baked = self._model.inputs[0].get_element_type().to_string() == "u8"
        self._compiled: dict[int, Any] = {}
        self._compiling = threading.Lock()
        self._mine = threading.local()

    @property
    def header(self) -> ModelHeader:
        """The model's header, as the file holds it."""
        return self._header

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self._compute("logits", batch)

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for uint8 (N, H, W, C)."""
        return self._compute("embeddings", batch)

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads; a graph is compiled for each count."""
        self._mine.count = count or 0

    def _compute(self, output: str, batch: np.ndarray) -> np.ndarray:
        fed = np.ascontiguousarray(batch) if self._baked else normalize(batch, self._header.preprocessing)
        result: np.ndarray = self._request().infer({"images": fed})[output].copy()
        return result

    def _request(self) -> Any:
        """Return the calling thread's own request: one must not be used by two threads."""
        count = getattr(self._mine, "count", 0)
        requests = self._mine.__dict__.setdefault("requests", {})
        if count not in requests:
            with self._compiling:
                if count not in self._compiled:
                    settings = {"INFERENCE_PRECISION_HINT": "f32", "INFERENCE_NUM_THREADS": count}
                    self._compiled[count] = self._core.compile_model(self._model, "CPU", settings)
            requests[count] = self._compiled[count].create_infer_request()
        return requests[count]


def _import() -> Any:
    try:
        import openvino  # noqa: PLC0415 - an extra
    except ModuleNotFoundError:
        raise MissingExtraError("The format OpenVINO", "openvino") from None
    return openvino
