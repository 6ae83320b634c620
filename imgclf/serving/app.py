"""The web application: layers around endpoints around one model."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import JSONResponse

from imgclf._version import __version__
from imgclf.serving.api import explain_routes, image_routes, status_routes
from imgclf.serving.api.documentation import add_docs, describe_access
from imgclf.serving.api.mistakes import first_mistake
from imgclf.serving.api.v2.routes import router as v2_router
from imgclf.serving.http.bodies import BodyLayer
from imgclf.serving.http.credentials import KeyRing, load_keys
from imgclf.serving.http.head import HeadLayer
from imgclf.serving.http.problems import RefusedError
from imgclf.serving.http.security import SecurityLayer
from imgclf.serving.http.tracing import TracingLayer, trace_of
from imgclf.serving.service import Service
from imgclf.serving.settings import ServerSettings
from imgclf.serving.ui import check_installed

_ABOUT = """Answers what is in an image.

Send it to `POST /predict` as a form, as it is, or as base64 in JSON. Every answer and every error has a `request_id`,
under which the server's log has the same request."""

RECEIPT_SECONDS = "imgclf_receipt_seconds"
"""The name under which the lifespan's state tells the protocol how long headers may take."""

_SENTENCES = {
    404: "There is nothing at this address. See / for what there is.",
    405: "This address does not take that method. See /docs.",
}


def create_app(settings: ServerSettings) -> FastAPI:
    """Build the application; its lifespan loads the model once and lets it go at the end.

    Args:
        settings: how it is set up; keys are read from the file that it names and from the environment.

    Raises:
        UsageError: the key file or the log folder cannot be used.
    """
    service = Service(settings)
    keys = load_keys(settings.keys_file) if settings.authenticate else KeyRing(())
    app = FastAPI(
        title="imgclf",
        description=_ABOUT,
        version=__version__,
        lifespan=_lifespan,
        middleware=_layers(service, keys),
        docs_url=None,
        redoc_url=None,
        redirect_slashes=False,
    )
    app.state.service = service
    app.add_exception_handler(RequestValidationError, _on_invalid)
    app.add_exception_handler(HTTPException, _on_http)
    for router in (image_routes.router, explain_routes.router, status_routes.router, v2_router):
        app.include_router(router)
    add_docs(app)
    if keys:
        describe_access(app)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[dict[str, float]]:
    service: Service = app.state.service
    try:
        await service.start()
        yield {RECEIPT_SECONDS: service.settings.receipt_seconds}
    except Exception as error:
        app.state.failure = error  # the command line shows it as its own
        service.log.event("The server cannot start", error)
        raise
    finally:
        await service.stop()


def _layers(service: Service, keys: KeyRing) -> list[Middleware]:
    """Outermost first."""
    settings = service.settings
    layers = [Middleware(TracingLayer, finished=service.finished)]
    if settings.cors_origins:
        layers.append(
            Middleware(
                CORSMiddleware,
                allow_origins=list(settings.cors_origins),
                allow_methods=["GET", "POST"],
                allow_headers=["Authorization", "Content-Type", "X-API-Key", "X-Request-ID"],
                expose_headers=["X-Request-ID", "Retry-After"],
            )
        )
    layers += [
        Middleware(BodyLayer, settings=settings),
        Middleware(SecurityLayer, settings=settings, keys=keys),
        Middleware(HeadLayer),
    ]
    return [*layers, _page_layer(service, bool(keys))] if settings.ui else layers


def _page_layer(service: Service, asks_for_key: bool) -> Middleware:
    check_installed()
    from imgclf.serving.ui.page_layer import PageLayer  # noqa: PLC0415 - brings Gradio

    return Middleware(PageLayer, service=service, asks_for_key=asks_for_key)


async def _on_invalid(request: Request, error: Any) -> JSONResponse:
    return _refused(request, RefusedError(422, first_mistake(error.errors())))


async def _on_http(request: Request, error: Any) -> JSONResponse:
    sentence = _SENTENCES.get(error.status_code, f"{error.detail}.")
    return _refused(request, RefusedError(error.status_code, sentence, headers=error.headers))


def _refused(request: Request, problem: RefusedError) -> JSONResponse:
    trace = trace_of(request)
    trace.error = problem
    return problem.response(trace.id)
