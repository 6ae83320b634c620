"""Images out of a request, however they were sent: as a form, as they are, or as base64 in JSON."""

import base64
import binascii
import json
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any, NoReturn, TypeVar, final

from pydantic import BaseModel, ValidationError
from python_multipart.multipart import parse_options_header
from starlette.datastructures import FormData, Headers, UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import ClientDisconnect, Request

from imgclf.serving.api.mistakes import (
    OPTIONS,
    NotANumberError,
    first_mistake,
    refuse_misspelt_options,
    why_no_form,
    why_no_json,
)
from imgclf.serving.api.schemas import BatchBody, ImageBody
from imgclf.serving.http.problems import RefusedError

_MOST_FIELDS = 16
_ADDRESSES = ("http:", "https:", "ftp:", "file:", "s3:", "gs:", "//")

_URL_SAFE = str.maketrans("-_", "+/")

Body = TypeVar("Body", bound=BaseModel)


@dataclass(frozen=True)
class Upload:
    """One image as it was sent.

    Attributes:
        name: the file's name, or its position.
        content: the encoded image; None when it could not be taken out of the request.
        problem: why not.
    """

    name: str
    content: bytes = b""
    problem: RefusedError | None = None


@dataclass(frozen=True)
class Uploads:
    """The images of a request, and the options that came in the same body."""

    images: list[Upload]
    options: dict[str, Any]


async def one_image(request: Request) -> Uploads:
    """Read a request that has one image.

    Raises:
        RefusedError: it has none or several, or is malformed.
    """
    kind = _content_type(request)
    body = await read_body(request)
    if kind == "application/json":
        given = json_body(body, ImageBody)
        return Uploads([Upload("image", decode_base64(given.image))], _options(given))
    if kind == "multipart/form-data":
        uploads = await _from_form(request.headers, body, most=32)
        if len(uploads.images) > 1:
            raise RefusedError(
                422,
                f"The form has {len(uploads.images)} files, but one is expected. For more: POST /predict/batch.",
            )
        return uploads
    if kind.startswith("image/") or kind in ("application/octet-stream", ""):
        return Uploads([Upload("image", body)], {})
    raise _unknown_kind(kind)


async def several_images(request: Request, most: int) -> Uploads:
    """Read a request that has one image or more.

    Args:
        request: a form with files, or JSON ``{"images": [...]}``.
        most: how many are allowed.

    Raises:
        RefusedError: it has none or too many, or is malformed. Bad base64 of one is a problem of that one only.
    """
    kind = _content_type(request)
    body = await read_body(request)
    if kind == "application/json":
        given = json_body(body, BatchBody)
        images = [_upload(str(index), text) for index, text in enumerate(given.images)]
        uploads = Uploads(images, _options(given))
    elif kind == "multipart/form-data":
        uploads = await _from_form(request.headers, body, most=max(most, 32) + 1)
    else:
        raise _unknown_kind(kind)
    if not uploads.images:
        raise RefusedError(422, "The list of images is empty. Send at least one.")
    if len(uploads.images) > most:
        raise RefusedError(
            422, f"The request has {len(uploads.images)} images, but {most} at once are the most."
        )
    return uploads


async def read_body(request: Request) -> bytes:
    """Return the whole body.

    Raises:
        RefusedError: the client left in the middle of it; nobody will see this.
    """
    try:
        return await request.body()
    except ClientDisconnect:
        raise RefusedError(499, "The client left before its request was complete.") from None


def json_body(body: bytes, shape: type[Body]) -> Body:
    """Parse JSON into a shape.

    Raises:
        RefusedError: 400 where it is no JSON, 422 where it has another shape.
    """
    try:
        value = json.loads(body, parse_constant=_no_constant)
    except RecursionError:
        raise RefusedError(400, "The JSON is nested too deeply.") from None
    except ValueError as error:
        raise RefusedError(400, f"The body is not JSON ({why_no_json(error)}).") from None
    if isinstance(value, dict):
        refuse_misspelt_options(value)
    try:
        return shape.model_validate(value, strict=True)
    except ValidationError as error:
        raise RefusedError(422, first_mistake(error.errors())) from None


def decode_base64(text: str) -> bytes:
    """Return the bytes that base64 stands for, with or without a data URL's prefix.

    The alphabet for addresses (RFC 4648, section 5) and missing padding are read too: many clients send them.

    Raises:
        RefusedError: 400; an address is told apart, since nothing is ever fetched.
    """
    if text[:8].lower().startswith(_ADDRESSES):
        raise RefusedError(
            400, "'image' is an address, and this server fetches nothing. Send the image itself in base64."
        )
    if text[:5].lower() == "data:":
        head, comma, text = text.partition(",")
        if not comma or not head[:200].lower().endswith(";base64"):
            raise RefusedError(400, "'image' is a data URL without ';base64,'. Send the image in base64.")
    try:
        plain = "".join(text.split()).translate(_URL_SAFE).encode("ascii")
        return base64.b64decode(plain + b"=" * (-len(plain) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise RefusedError(
            400, "'image' is not base64. Encode the file's bytes, for example with: base64 -w0 FILE"
        ) from None


@final
class _InMemoryParser(MultiPartParser):
    """Keeps files in memory, which the body limit bounds: a person's image is never written to disk."""

    spool_max_size = 1 << 62


async def _from_form(headers: Headers, body: bytes, most: int) -> Uploads:
    async def stream() -> AsyncGenerator[bytes, None]:
        yield body

    if _is_cut_short(headers, body):
        raise RefusedError(
            400,
            "The form is malformed (it is cut short: the boundary that ends it is missing). Send it again.",
        )
    parser = _InMemoryParser(headers, stream(), max_files=most, max_fields=_MOST_FIELDS)
    try:
        form = await parser.parse()
    except MultiPartException as error:
        raise RefusedError(400, f"The form is malformed ({why_no_form(error)}).") from None
    uploads = await _split(form)
    if not uploads.images:
        raise RefusedError(
            422,
            "The form has no file. Send the image as a file field, for example with: curl -F file=@photo.jpg",
        )
    return uploads


def _is_cut_short(headers: Headers, body: bytes) -> bool:
    """Whether a form lacks its end (RFC 2046, section 5.1.1), which the parser does not ask for."""
    _, options = parse_options_header(headers["content-type"])
    boundary = options.get(b"boundary")
    return boundary is not None and b"--" + boundary + b"--" not in body


async def _split(form: FormData) -> Uploads:
    images: list[Upload] = []
    options: dict[str, Any] = {}
    for name, value in form.multi_items():
        if isinstance(value, UploadFile):
            images.append(Upload(value.filename or str(len(images)), await value.read()))
        elif name in OPTIONS:
            options[name] = value
    await form.close()
    refuse_misspelt_options(form)
    return Uploads(images, options)


def _upload(name: str, text: str) -> Upload:
    try:
        return Upload(name, decode_base64(text))
    except RefusedError as problem:
        return Upload(name, problem=problem)


def _options(given: ImageBody | BatchBody) -> dict[str, Any]:
    return {
        name: value
        for name, value in (("top_k", given.top_k), ("threshold", given.threshold))
        if value is not None
    }


def _content_type(request: Request) -> str:
    return request.headers.get("content-type", "").split(";", 1)[0].strip().lower()


def _unknown_kind(kind: str) -> RefusedError:
    return RefusedError(
        415,
        f"The Content-Type '{kind[:80]}' is not read here. Send multipart/form-data with a file, the image itself "
        f"as image/jpeg or image/png, or JSON as application/json.",
    )


def _no_constant(name: str) -> NoReturn:
    raise NotANumberError(name)
