"""The endpoints that tell about the server and its model."""

from typing import Any

from fastapi import APIRouter, Request, Response

from imgclf._version import __version__
from imgclf.serving.api.schemas import Classes, ErrorResponse, Health, ModelCard, Readiness, Welcome
from imgclf.serving.http.metrics import CONTENT_TYPE
from imgclf.serving.http.problems import overloaded
from imgclf.serving.model.served import described, model_name
from imgclf.serving.service import service_of

_UNAUTHORIZED: dict[int | str, dict[str, Any]] = {
    401: {"model": ErrorResponse},
    429: {"model": ErrorResponse},
}
_UNREADY: dict[int | str, dict[str, Any]] = {503: {"model": ErrorResponse}}

router = APIRouter(tags=["server"])

_ENDPOINTS = {
    "POST /predict": "one image",
    "POST /predict_base64": "one image in JSON",
    "POST /predict/batch": "several images",
    "POST /explain": "where in one image the model sees its answer",
    "POST /embed": "the features of one image",
    "GET /classes": "the class names",
    "GET /model": "what the model is",
    "GET /health": "alive",
    "GET /ready": "takes requests",
    "GET /metrics": "for Prometheus",
    "GET /docs": "try it in the browser",
    "GET /v2": "Open Inference Protocol",
}


@router.get("/", responses=_UNAUTHORIZED)
async def welcome(request: Request) -> Welcome:
    """Say what is here."""
    model = service_of(request).model
    return Welcome(
        name="imgclf",
        version=__version__,
        status="ok",
        model=model_name(model),
        classes=len(model.predictor.class_names),
        endpoints=_ENDPOINTS,
    )


@router.get("/health")
async def health(request: Request) -> Health:
    """Alive: the process answers. Whether it takes requests: /ready."""
    service = service_of(request)
    model = service.model
    return Health(
        status="ok",
        model_loaded=True,
        ready=service.ready,
        device=model.predictor.device,
        model=model.fingerprint,
        version=__version__,
        uptime_seconds=round(service.uptime, 1),
    )


@router.get("/ready", responses=_UNREADY)
async def ready(request: Request) -> Readiness:
    """Ready: the model is warm, a worker is free or will be, and the server is not stopping."""
    service = service_of(request)
    if (reason := service.why_not_ready) is not None:
        raise overloaded(reason, 5)
    return Readiness(status="ready", queue=service.queue)


@router.get("/classes", responses=_UNAUTHORIZED)
async def classes(request: Request) -> Classes:
    """List the class names in index order."""
    names = service_of(request).model.predictor.class_names
    return Classes(classes=list(names), count=len(names))


@router.get("/model", responses=_UNAUTHORIZED)
async def model(request: Request) -> ModelCard:
    """Tell architecture, preprocessing, metrics and fingerprint."""
    return ModelCard(**described(service_of(request).model))


@router.get(
    "/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}, **_UNAUTHORIZED}
)
async def metrics(request: Request) -> Response:
    """Counters and gauges in Prometheus' text format, of all worker processes together."""
    return Response(service_of(request).metrics.text(), media_type=CONTENT_TYPE)
