"""The endpoints that take images."""

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request
from pydantic import TypeAdapter, ValidationError

from imgclf.records import Prediction
from imgclf.serving.api.mistakes import first_mistake, refuse_unknown_parameters
from imgclf.serving.api.schemas import (
    BatchBody,
    BatchItem,
    BatchResponse,
    ClassScore,
    EmbeddingResponse,
    ErrorResponse,
    ImageBody,
    PredictionResponse,
    Threshold,
    Timings,
    TopK,
)
from imgclf.serving.api.uploads import Upload, Uploads, one_image, several_images
from imgclf.serving.http.problems import IMAGE_STATUS, RefusedError
from imgclf.serving.http.tracing import Trace, trace_of
from imgclf.serving.model.batching import Output
from imgclf.serving.model.loaded import Task
from imgclf.serving.service import Service, service_of

_REFUSALS = sorted({400, 401, 408, 413, 415, 422, 429, 503, 504, *IMAGE_STATUS.values()})
REFUSED: dict[int | str, dict[str, Any]] = {status: {"model": ErrorResponse} for status in _REFUSALS}

_FILE = {"type": "string", "format": "binary"}
_BINARY = {"schema": _FILE}
IMAGE_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {"type": "object", "required": ["file"], "properties": {"file": _FILE}}
            },
            "image/jpeg": _BINARY,
            "image/png": _BINARY,
            "application/json": {"schema": ImageBody.model_json_schema(by_alias=False)},
        },
    }
}
_JSON_BODY = {
    "requestBody": {
        "required": True,
        "content": {"application/json": {"schema": ImageBody.model_json_schema(by_alias=False)}},
    }
}
_BATCH_BODY = {
    "requestBody": {
        "required": True,
        "content": {
            "multipart/form-data": {
                "schema": {
                    "type": "object",
                    "required": ["files"],
                    "properties": {"files": {"type": "array", "items": _FILE}},
                }
            },
            "application/json": {"schema": BatchBody.model_json_schema()},
        },
    }
}

router = APIRouter(tags=["images"], responses=REFUSED, dependencies=[Depends(refuse_unknown_parameters)])
TopKQuery = Annotated[TopK, Query()]
ThresholdQuery = Annotated[Threshold | None, Query()]


@router.post("/predict", openapi_extra=IMAGE_BODY)
async def predict(
    request: Request, top_k: TopKQuery = 5, threshold: ThresholdQuery = None
) -> PredictionResponse:
    """Say what is in one image: a form with a file, the image itself, or JSON with base64."""
    return await _predicted(request, await one_image(request), top_k, threshold)


@router.post("/predict_base64", openapi_extra=_JSON_BODY)
async def predict_base64(
    request: Request, top_k: TopKQuery = 5, threshold: ThresholdQuery = None
) -> PredictionResponse:
    """Say what is in one image that comes as base64 in JSON."""
    if "json" not in request.headers.get("content-type", ""):
        raise RefusedError(
            415, 'JSON is expected here: Content-Type application/json with {"image": "<base64>"}.'
        )
    return await _predicted(request, await one_image(request), top_k, threshold)


@router.post("/predict/batch", openapi_extra=_BATCH_BODY)
async def predict_batch(
    request: Request, top_k: TopKQuery = 5, threshold: ThresholdQuery = None
) -> BatchResponse:
    """Say what is in several images; one that cannot be read has its own error, and the others their answers."""
    service, trace = service_of(request), trace_of(request)
    uploads = await several_images(request, service.settings.batch_images)
    top_k, threshold = _options(uploads, top_k, threshold)
    results = await _outputs(request, uploads.images)
    items = [
        _item(service, upload.name, result, top_k, threshold)
        for upload, result in zip(uploads.images, results, strict=True)
    ]
    computed = [result for result in results if isinstance(result, Output)]
    trace.predictions = [item.prediction for item in items if item.prediction is not None]
    trace.confidences = [item.confidence for item in items if item.confidence is not None]
    trace.model = computed[0].model.fingerprint if computed else None
    trace.timings = {"total_ms": _total(trace)}
    return BatchResponse(
        predictions=items, request_id=trace.id, model=trace.model, timings=dict(trace.timings)
    )


@router.post("/embed", openapi_extra=IMAGE_BODY)
async def embed(request: Request) -> EmbeddingResponse:
    """Return the pooled penultimate features of one image, for search and clustering."""
    trace = trace_of(request)
    uploads = await one_image(request)
    output = await _output(service_of(request), request, uploads.images[0].content, "embed")
    values = [float(value) for value in output.values]
    timings = _noted(trace, output)
    return EmbeddingResponse(
        embedding=values,
        dimensions=len(values),
        request_id=trace.id,
        model=output.model.fingerprint,
        timings=timings,
    )


async def _predicted(
    request: Request, uploads: Uploads, top_k: int, threshold: float | None
) -> PredictionResponse:
    top_k, threshold = _options(uploads, top_k, threshold)
    return await predict_image(service_of(request), request, uploads.images[0].content, top_k, threshold)


async def predict_image(
    service: Service, request: Request, content: bytes, top_k: int, threshold: float | None = None
) -> PredictionResponse:
    """Say what is in one encoded image, and leave it in the request's trace.

    Raises:
        RefusedError: there is no prediction.
    """
    trace = trace_of(request)
    output = await _output(service, request, content, "probabilities")
    prediction = predicted(output, top_k, threshold)
    trace.predictions, trace.confidences = [str(prediction.label)], [float(prediction.confidence or 0)]
    return PredictionResponse(
        **prediction_fields(prediction),
        request_id=trace.id,
        model=output.model.fingerprint,
        timings=_noted(trace, output),
    )


async def _output(service: Service, request: Request, content: bytes, task: Task) -> Output:
    results = await service.submit_and_wait(request, [content], task)
    return _or_raise(results[0])


async def _outputs(request: Request, images: list[Upload]) -> list[Output | BaseException]:
    """Compute all that could be taken out of the request; each result stands at its image's place."""
    sound = [upload.content for upload in images if upload.problem is None]
    outputs = iter(await service_of(request).submit_and_wait(request, sound, "probabilities"))
    return [upload.problem or next(outputs) for upload in images]


def predicted(output: Output, top_k: int, threshold: float | None) -> Prediction:
    """Make the record of an output.

    Raises:
        RefusedError: 500, the model's answer is not a number.
    """
    prediction = output.model.predictor.prediction("image", output.values, top_k, threshold)
    if prediction.error is not None:
        raise RefusedError(
            500, f"There is no prediction: {prediction.error}. The model needs to be trained again."
        )
    return prediction


def _item(
    service: Service, name: str, result: Output | BaseException, top_k: int, threshold: float | None
) -> BatchItem:
    try:
        prediction = predicted(_or_raise(result), top_k, threshold)
    except RefusedError as problem:
        return BatchItem(file=name, status=problem.status, error=problem.sentence, code=problem.code)
    except Exception as error:  # a defect with this image only; the log has it
        service.log.event("An image of a batch failed", error)
        return BatchItem(
            file=name, status=500, error="Something went wrong on the server.", code="internal_error"
        )
    return BatchItem(file=name, status=200, **prediction_fields(prediction))


def prediction_fields(prediction: Prediction) -> dict[str, Any]:
    """Return the fields that every answer of one image has."""
    return {
        "prediction": prediction.label,
        "class_": prediction.label,
        "confidence": prediction.confidence,
        "probabilities": dict(prediction.probabilities),
        "top_k": [ClassScore(label=label, confidence=value) for label, value in prediction.top_k],
    }


def _noted(trace: Trace, output: Output) -> Timings:
    """Leave model and timings in the trace, for the log, and return the timings."""
    trace.model = output.model.fingerprint
    trace.timings = {**output.timings(), "total_ms": _total(trace)}
    return Timings(**trace.timings)


def _total(trace: Trace) -> float:
    return round(1e3 * trace.seconds, 3)


def _or_raise(result: Output | BaseException) -> Output:
    if isinstance(result, Output):
        return result
    raise result


def _options(uploads: Uploads, top_k: int, threshold: float | None) -> tuple[int, float | None]:
    """Lay the options of the body over those of the address; a form's are text."""
    try:
        if "top_k" in uploads.options:
            top_k = TypeAdapter(TopK).validate_python(uploads.options["top_k"])
        if "threshold" in uploads.options:
            threshold = TypeAdapter(Threshold).validate_python(uploads.options["threshold"])
    except ValidationError as error:
        raise RefusedError(422, first_mistake(error.errors())) from None
    return top_k, threshold
