"""The addresses of the Open Inference Protocol.

One model, one version. Its input is either ``image``, BYTES (N), each an encoded image (in JSON as base64), or
``pixels``, UINT8 (N, H, W, C) of the model's own size; its outputs are ``probabilities``, FP32 (N, K), and ``label``,
BYTES (N).
"""

from typing import Any

import numpy as np
from fastapi import APIRouter, Depends, Request
from starlette.responses import JSONResponse, Response

from imgclf._version import __version__
from imgclf.serving.api.image_routes import REFUSED, predicted
from imgclf.serving.api.mistakes import refuse_unknown_parameters
from imgclf.serving.api.schemas import ErrorResponse
from imgclf.serving.api.uploads import read_body
from imgclf.serving.api.v2.requests import OUTPUTS, Tensor, read_infer_request
from imgclf.serving.api.v2.responses import infer_response, output_tensor
from imgclf.serving.http.problems import RefusedError, overloaded
from imgclf.serving.http.tracing import trace_of
from imgclf.serving.model.batching import Output
from imgclf.serving.model.loaded import LoadedModel
from imgclf.serving.model.served import model_name
from imgclf.serving.service import Service, service_of

router = APIRouter(
    prefix="/v2", tags=["Open Inference Protocol"], responses={**REFUSED, 404: {"model": ErrorResponse}}
)

VERSION = "1"
_TENSOR = {
    "type": "object",
    "required": ["name", "datatype", "shape"],
    "properties": {
        "name": {"enum": ["image", "pixels"]},
        "datatype": {"enum": ["BYTES", "UINT8"]},
        "shape": {"type": "array", "items": {"type": "integer", "minimum": 0}},
        "data": {"type": "array", "items": {}},
    },
}
_CHECKED = [Depends(refuse_unknown_parameters)]
_WANTED = {
    "type": "object",
    "required": ["name"],
    "properties": {
        "name": {"enum": list(OUTPUTS)},
        "parameters": {
            "type": "object",
            "properties": {
                "binary_data": {"type": "boolean"},
                "classification": {"type": "integer", "minimum": 0},
            },
        },
    },
}
_INFER_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "application/json": {
                "schema": {
                    "type": "object",
                    "required": ["inputs"],
                    "properties": {
                        "id": {"type": "string"},
                        "inputs": {"type": "array", "minItems": 1, "maxItems": 1, "items": _TENSOR},
                        "outputs": {"type": "array", "items": _WANTED},
                        "parameters": {
                            "type": "object",
                            "properties": {"binary_data_output": {"type": "boolean"}},
                        },
                    },
                }
            },
            "application/octet-stream": {"schema": {"type": "string", "format": "binary"}},
        },
    }
}


@router.get("")
async def server_metadata() -> dict[str, Any]:
    """Name the server."""
    return {"name": "imgclf", "version": __version__, "extensions": ["binary_tensor_data", "classification"]}


@router.get("/health/live")
async def live() -> dict[str, bool]:
    """Alive."""
    return {"live": True}


@router.get("/health/ready")
async def ready(request: Request) -> JSONResponse:
    """Ready for requests."""
    is_ready = service_of(request).ready
    return JSONResponse({"ready": is_ready}, 200 if is_ready else 503)


@router.get("/models/{name}")
@router.get("/models/{name}/versions/{version}")
async def model_metadata(request: Request, name: str, version: str = VERSION) -> dict[str, Any]:
    """Tell inputs and outputs."""
    model = _named(service_of(request), name, version)
    header = model.predictor.header
    height, width = header.preprocessing.image_size
    return {
        "name": name,
        "versions": [VERSION],
        "platform": f"imgclf_{model.predictor.backend.name}",
        "inputs": [
            {"name": "image", "datatype": "BYTES", "shape": [-1]},
            {
                "name": "pixels",
                "datatype": "UINT8",
                "shape": [-1, height, width, header.preprocessing.channels],
            },
        ],
        "outputs": [
            {"name": "probabilities", "datatype": "FP32", "shape": [-1, len(header.class_names)]},
            {"name": "label", "datatype": "BYTES", "shape": [-1]},
        ],
    }


@router.get("/models/{name}/ready")
@router.get("/models/{name}/versions/{version}/ready")
async def model_ready(request: Request, name: str, version: str = VERSION) -> JSONResponse:
    """Ready for requests to this model."""
    service = service_of(request)
    _named(service, name, version)
    return JSONResponse({"name": name, "ready": service.ready}, 200 if service.ready else 503)


@router.post("/models/{name}/infer", openapi_extra=_INFER_BODY, dependencies=_CHECKED)
@router.post("/models/{name}/versions/{version}/infer", openapi_extra=_INFER_BODY, dependencies=_CHECKED)
async def infer(request: Request, name: str, version: str = VERSION) -> Response:
    """Predict one image or more; the first that cannot be read refuses the request."""
    service, trace = service_of(request), trace_of(request)
    model = _named(service, name, version)
    given = read_infer_request(
        await read_body(request), request.headers.get("inference-header-content-length")
    )
    sources = _sources(given.tensor, model, service.settings.batch_images)
    results = await service.submit_and_wait(request, sources, "probabilities")
    computed = [_or_raise(result, index) for index, result in enumerate(results)]
    if len({one.model.fingerprint for one in computed}) > 1:
        raise overloaded("The model was swapped in the middle of this request. Send it again.")
    labels = [str(predicted(one, 1, None).label) for one in computed]
    trace.predictions, trace.model = labels, computed[0].model.fingerprint
    trace.confidences = [float(one.values.max()) for one in computed]
    rows = np.stack([one.values for one in computed])
    names = computed[0].model.predictor.class_names
    return infer_response(
        {"model_name": name, "model_version": VERSION, "id": given.id or trace.id},
        [output_tensor(wanted, rows, labels, names) for wanted in given.outputs],
    )


def _named(service: Service, name: str, version: str) -> LoadedModel:
    model = service.model
    known = model_name(model)
    if name not in (known, "default"):
        raise RefusedError(
            404, f"There is no model '{name[:80]}' here. This server has '{known}' (or 'default')."
        )
    if version != VERSION:
        raise RefusedError(404, f"There is no version '{version[:80]}' of '{known}', only '{VERSION}'.")
    return model


def _sources(tensor: Tensor, model: LoadedModel, most: int) -> list[bytes | np.ndarray]:
    if tensor.name == "image":
        sources: list[bytes | np.ndarray] = list(tensor.images)
    else:
        spec = model.predictor.header.preprocessing
        expected = (*spec.image_size, spec.channels)
        if tensor.pixels.shape[1:] != expected:
            raise RefusedError(
                422,
                f"'pixels' has the shape {list(tensor.pixels.shape)}, but [N, {str(expected)[1:-1]}] is expected.",
            )
        sources = list(tensor.pixels)
    if not 1 <= len(sources) <= most:
        raise RefusedError(422, f"The request has {len(sources)} images, but 1 to {most} at once are taken.")
    return sources


def _or_raise(result: Output | BaseException, index: int) -> Output:
    if isinstance(result, Output):
        return result
    if isinstance(result, RefusedError):
        raise RefusedError(result.status, f"Image {index}: {result.sentence}", result.code)
    raise result
