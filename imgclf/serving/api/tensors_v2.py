"""Tensors of the Open Inference Protocol: in JSON, or as bytes behind it (Triton's binary tensor data extension).

https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import math
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel

from imgclf.serving.api.uploads import decode_base64, json_body
from imgclf.serving.http.problems import RefusedError

_TYPES = {"image": "BYTES", "pixels": "UINT8"}
_MOST_ELEMENTS = 100_000_000


@dataclass(frozen=True, eq=False)
class Tensor:
    """The one input.

    Attributes:
        name: ``image`` or ``pixels``.
        images: encoded images of ``image``.
        pixels: uint8 (N, H, W, C) of ``pixels``.
    """

    name: str
    images: list[bytes] = field(default_factory=list)
    pixels: np.ndarray = field(default_factory=lambda: np.empty((0, 0, 0, 0), np.uint8))


@dataclass(frozen=True)
class InferRequest:
    """What a client asks: its own id, the input, and which outputs (all, where it names none)."""

    id: str
    tensor: Tensor
    outputs: list[str]


class _Parameters(BaseModel):
    binary_data_size: int | None = None


class _Input(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[object] | None = None
    parameters: _Parameters = _Parameters()


class _Output(BaseModel):
    name: str


class _Body(BaseModel):
    inputs: list[_Input]
    outputs: list[_Output] = []
    id: str = ""


def read_infer_request(body: bytes, json_length: str | None) -> InferRequest:
    """Parse a body.

    Args:
        body: JSON, and what follows it.
        json_length: the header ``Inference-Header-Content-Length``; None means that all is JSON.

    Raises:
        RefusedError: 400 or 422.
    """
    end = len(body)
    if json_length is not None:
        if not json_length.isascii() or not json_length.isdecimal() or len(json_length) > 12:
            raise RefusedError(400, "Inference-Header-Content-Length is not a number.")
        end = int(json_length)
    given = json_body(body[:end], _Body)
    if len(given.inputs) != 1:
        raise RefusedError(
            422, f"The request has {len(given.inputs)} inputs, but 'image' or 'pixels' is expected."
        )
    tensor = _tensor(given.inputs[0], body[end:])
    return InferRequest(given.id[:200], tensor, [output.name for output in given.outputs])


def _tensor(given: _Input, raw: bytes) -> Tensor:
    if _TYPES.get(given.name) != given.datatype:
        raise RefusedError(
            422,
            f"The input '{given.name[:80]}' of type {given.datatype[:80]} is unknown. "
            f"Expected: 'image' of BYTES, or 'pixels' of UINT8.",
        )
    if given.parameters.binary_data_size is not None:
        if given.parameters.binary_data_size != len(raw):
            raise RefusedError(
                400,
                f"'{given.name}' announces {given.parameters.binary_data_size} bytes, but {len(raw)} came.",
            )
    elif given.data is None:
        raise RefusedError(422, f"The input '{given.name}' has no data.")
    count = math.prod(given.shape)
    if any(side < 0 for side in given.shape) or count > _MOST_ELEMENTS:
        raise RefusedError(422, f"The shape of '{given.name}' is impossible.")
    if given.name == "image":
        images = _split(raw) if given.data is None else [_encoded(item) for item in given.data]
        return Tensor("image", images=_counted(images, count))
    return Tensor("pixels", pixels=_pixels(given, raw, count))


def _split(raw: bytes) -> list[bytes]:
    """Take BYTES apart: before each comes its length in four bytes, the lowest first."""
    items, position = [], 0
    while position < len(raw):
        start = position + 4
        position = start + int.from_bytes(raw[position:start], "little")
        if position > len(raw):
            raise RefusedError(400, "'image' is cut short: an element is longer than what is left.")
        items.append(raw[start:position])
    return items


def _encoded(item: object) -> bytes:
    if not isinstance(item, str):
        raise RefusedError(422, "'image' has an element that is no text. In JSON, images are base64.")
    return decode_base64(item)


def _counted(images: list[bytes], count: int) -> list[bytes]:
    if len(images) != count:
        raise RefusedError(422, f"'image' has {len(images)} elements, but its shape says {count}.")
    return images


def _pixels(given: _Input, raw: bytes, count: int) -> np.ndarray:
    if len(given.shape) != 4:
        raise RefusedError(
            422, f"'pixels' has {len(given.shape)} dimensions, but 4 are expected: N, H, W, C."
        )
    try:
        flat = (
            np.frombuffer(raw, np.uint8)
            if given.data is None
            else np.array(given.data, dtype=np.int64)  # not uint8: 256 would become 0
        )
    except (ValueError, TypeError, OverflowError):
        raise RefusedError(422, "'pixels' has values that are no numbers from 0 to 255.") from None
    if flat.size != count:
        raise RefusedError(422, f"'pixels' has {flat.size} values, but its shape says {count}.")
    if flat.size and not (flat.min() >= 0 and flat.max() <= 255):
        raise RefusedError(422, "'pixels' has values that are no numbers from 0 to 255.")
    return flat.astype(np.uint8).reshape(given.shape)
