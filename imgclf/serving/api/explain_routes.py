"""The endpoint that shows where in an image the model sees its prediction."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from imgclf.serving.api.image_routes import IMAGE_BODY, REFUSED, prediction_fields
from imgclf.serving.api.mistakes import refuse_unknown_parameters
from imgclf.serving.api.schemas import ExplanationMap, ExplanationResponse
from imgclf.serving.api.uploads import one_image
from imgclf.serving.http.tracing import trace_of
from imgclf.serving.model.explaining import Wish, data_url
from imgclf.serving.service import service_of

_PICTURE: dict[int | str, dict[str, Any]] = {
    200: {"content": {"image/png": {"schema": {"type": "string", "format": "binary"}}}}
}

router = APIRouter(tags=["images"], responses=REFUSED, dependencies=[Depends(refuse_unknown_parameters)])


@router.post("/explain", response_model=ExplanationResponse, responses=_PICTURE, openapi_extra=IMAGE_BODY)
async def explain(
    request: Request,
    method: Annotated[
        str, Query(max_length=40, description="gradcam, gradcam++, scorecam and others.")
    ] = "gradcam",
    layer: Annotated[
        str, Query(min_length=1, max_length=200, description="Index, negative from the end, name, or auto.")
    ] = "auto",
    target: Annotated[
        str, Query(max_length=200, description="predicted, top-K, a class name or its index.")
    ] = "predicted",
    opacity: Annotated[float, Query(ge=0, le=1, description="Of the colours over the image.")] = 0.5,
    format: Annotated[  # noqa: A002 - its name in the address
        Literal["json", "png"] | None,
        Query(description="By default what the Accept header asks for, else json."),
    ] = None,
) -> ExplanationResponse | Response:
    """Show where in one image the model sees a class: JSON with the picture inside, or the picture itself."""
    service, trace = service_of(request), trace_of(request)
    uploads = await one_image(request)
    model = service.model
    wish = Wish(method, layer, target, opacity)
    explanation = await service.explanations.explain(
        model, uploads.images[0].content, wish, service.settings.deadline
    )
    trace.model = model.fingerprint
    trace.predictions = [str(explanation.prediction.label)]
    trace.timings = {"total_ms": round(1e3 * trace.seconds, 3)}
    accepted = request.headers.get("accept", "")
    if format == "png" or (format is None and accepted.startswith("image/")):
        return Response(explanation.maps[0]["overlay"], media_type="image/png")
    maps = [ExplanationMap(**{**one, "overlay": data_url(one["overlay"])}) for one in explanation.maps]
    return ExplanationResponse(
        **prediction_fields(explanation.prediction),
        maps=maps,
        request_id=trace.id,
        model=model.fingerprint,
        timings=dict(trace.timings),
    )
