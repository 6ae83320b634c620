"""Requests of the Open Inference Protocol: tensors in JSON, as bytes behind it, or one image and nothing else.

The bytes are Triton's binary tensor data extension, the image alone its raw binary request:
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
"""

import math
from dataclasses import dataclass, field

import numpy as np
from pydantic import BaseModel, Field

from imgclf.serving.api.uploads import decode_base64, json_body
from imgclf.serving.http.problems import RefusedError

_TYPES = {"image": "BYTES", "pixels": "UINT8"}
_MOST_ELEMENTS = 100_000_000
OUTPUTS = ("probabilities", "label")
"""What a model gives, in the order in which a client that names none gets them."""


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
class Wanted:
    """One output that a client asks for.

    Attributes:
        name: of the output.
        binary: whether its values come as bytes behind the JSON.
        classes: how many of the best classes to list instead of the values; 0 gives the values.
    """

    name: str
    binary: bool = False
    classes: int = 0


@dataclass(frozen=True)
class InferRequest:
    """What a client asks.

    Attributes:
        id: the client's own; may be empty.
        tensor: the input.
        outputs: what it wants of it.
    """

    id: str
    tensor: Tensor
    outputs: list[Wanted]


class _Parameters(BaseModel):
    binary_data_size: int | None = None


class _Input(BaseModel):
    name: str
    datatype: str
    shape: list[int]
    data: list[object] | None = None
    parameters: _Parameters = _Parameters()


class _OutputParameters(BaseModel):
    binary_data: bool | None = None
    classification: int = Field(0, ge=0)
    shared_memory_region: str | None = None


class _Output(BaseModel):
    name: str
    parameters: _OutputParameters = _OutputParameters()


class _RequestParameters(BaseModel):
    binary_data_output: bool = False


class _Body(BaseModel):
    inputs: list[_Input]
    outputs: list[_Output] = []
    id: str = ""
    parameters: _RequestParameters = _RequestParameters()


def read_infer_request(body: bytes, json_length: str | None) -> InferRequest:
    """Parse a body.

    Args:
        body: JSON, and what follows it.
        json_length: the header ``Inference-Header-Content-Length``; None means that all is JSON, 0 that there is none
            and the body is one encoded image.

    Raises:
        RefusedError: 400 or 422.
    """
    end = len(body)
    if json_length is not None:
        if not json_length.isascii() or not json_length.isdecimal() or len(json_length) > 12:
            raise RefusedError(400, "Inference-Header-Content-Length is not a number.")
        end = int(json_length)
    if end == 0 and json_length is not None:
        return InferRequest(
            "", Tensor("image", images=[body]), [Wanted(name, binary=True) for name in OUTPUTS]
        )
    given = json_body(body[:end], _Body)
    if len(given.inputs) != 1:
        raise RefusedError(
            422, f"The request has {len(given.inputs)} inputs, but 'image' or 'pixels' is expected."
        )
    tensor = _tensor(given.inputs[0], body[end:])
    return InferRequest(given.id[:200], tensor, _wanted(given))


def _wanted(given: _Body) -> list[Wanted]:
    binary = given.parameters.binary_data_output
    if not given.outputs:
        return [Wanted(name, binary) for name in OUTPUTS]
    return [_checked(output, binary) for output in given.outputs]


def _checked(output: _Output, binary: bool) -> Wanted:
    asked = output.parameters
    if output.name not in OUTPUTS:
        raise RefusedError(422, f"There is no output '{output.name[:80]}', only: {', '.join(OUTPUTS)}.")
    if asked.shared_memory_region is not None:
        raise RefusedError(
            422,
            f"'{output.name}' is wanted in shared memory, which this server does not use. Leave that out.",
        )
    if asked.classification and output.name != "probabilities":
        raise RefusedError(
            422,
            f"'{output.name}' has no classes to choose from. Ask for the classification of 'probabilities'.",
        )
    return Wanted(
        output.name, binary if asked.binary_data is None else asked.binary_data, asked.classification
    )


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
