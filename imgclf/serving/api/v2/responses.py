"""Responses of the Open Inference Protocol: tensors in JSON, or as bytes behind it.

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md,
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_classification.md
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from starlette.responses import JSONResponse, Response

from imgclf.serving.api.v2.requests import Wanted

_LENGTH = "Inference-Header-Content-Length"


@dataclass(frozen=True, eq=False)
class OutputTensor:
    """One output.

    Attributes:
        name: of the output.
        values: float32 (N, K), or texts of any shape as an object array.
        binary: whether its values go behind the JSON.
    """

    name: str
    values: np.ndarray
    binary: bool

    @property
    def datatype(self) -> str:
        """Its type in the protocol's words."""
        return "FP32" if self.values.dtype == np.float32 else "BYTES"

    def to_bytes(self) -> bytes:
        """Return the values as they lie behind the JSON: four bytes of length before each text."""
        if self.datatype == "FP32":
            return self.values.astype("<f4").tobytes()
        texts = [text.encode() for text in self.values.ravel()]
        return b"".join(len(text).to_bytes(4, "little") + text for text in texts)


def output_tensor(
    wanted: Wanted, probabilities: np.ndarray, labels: Sequence[str], class_names: Sequence[str]
) -> OutputTensor:
    """Return what a client wanted.

    Args:
        wanted: which output, and how.
        probabilities: float32 (N, K).
        labels: N predictions.
        class_names: K names.
    """
    if wanted.name == "label":
        return OutputTensor("label", np.array(labels, dtype=object), wanted.binary)
    if wanted.classes:
        return OutputTensor(
            wanted.name, _best_classes(probabilities, class_names, wanted.classes), wanted.binary
        )
    return OutputTensor(wanted.name, probabilities, wanted.binary)


def infer_response(head: dict[str, Any], outputs: Sequence[OutputTensor]) -> Response:
    """Return a response of some facts and these outputs."""
    described, tail = [], []
    for output in outputs:
        one = {"name": output.name, "datatype": output.datatype, "shape": list(output.values.shape)}
        if output.binary:
            tail.append(output.to_bytes())
            described.append({**one, "parameters": {"binary_data_size": len(tail[-1])}})
        else:
            described.append({**one, "data": output.values.ravel().tolist()})
    body = {**head, "outputs": described}
    if not tail:
        return JSONResponse(body)
    text = json.dumps(body, ensure_ascii=False).encode()
    return Response(
        b"".join([text, *tail]), media_type="application/octet-stream", headers={_LENGTH: str(len(text))}
    )


def _best_classes(probabilities: np.ndarray, class_names: Sequence[str], count: int) -> np.ndarray:
    """Return ``probability:index:name`` of the best classes, best first, as texts (N, at most count)."""
    best = np.argsort(-probabilities, axis=1, kind="stable")[:, :count]
    rows = [
        [f"{row[index]:.6f}:{index}:{class_names[index]}" for index in indices]
        for row, indices in zip(probabilities, best, strict=True)
    ]
    return np.array(rows, dtype=object)
