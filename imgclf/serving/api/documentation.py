"""What tells people and programs about the API: Swagger UI and ReDoc from this server alone, and how keys are sent."""

from importlib.resources import files
from typing import Any

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

from imgclf.serving.http.security import OPEN_PATHS

_ASSETS = "/docs/assets"
_OPENAPI = "/openapi.json"
_WAYS: dict[str, dict[str, str]] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The key's name as user, the key as password.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key."},
}


def add_docs(app: FastAPI) -> None:
    """Add ``/docs`` and ``/swagger/`` (Swagger UI), ``/redoc``, and the scripts that they load."""
    # Their files come from the package fastapi-offline, which holds nothing else of interest.
    folder = str(files("fastapi_offline") / "static")
    for path in ("/docs", "/swagger", "/swagger/"):
        app.add_api_route(path, _swagger, include_in_schema=False)
    app.add_api_route("/redoc", _redoc, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs")


def describe_access(app: FastAPI) -> None:
    """Add the three ways, any one of which will do, to every operation but those that ask for no key."""
    plain = app.openapi

    def described() -> dict[str, Any]:
        document = plain()
        document.setdefault("components", {})["securitySchemes"] = _WAYS
        document["security"] = [{name: []} for name in _WAYS]
        for path in OPEN_PATHS & document["paths"].keys():
            for operation in document["paths"][path].values():
                operation["security"] = []
        return document

    app.openapi = described  # type: ignore[method-assign]  # FastAPI's own way to change the document


async def _swagger() -> HTMLResponse:
    return get_swagger_ui_html(
        openapi_url=_OPENAPI,
        title="imgclf",
        swagger_js_url=f"{_ASSETS}/swagger-ui-bundle.js",
        swagger_css_url=f"{_ASSETS}/swagger-ui.css",
        swagger_favicon_url=f"{_ASSETS}/favicon.png",
    )


async def _redoc() -> HTMLResponse:
    return get_redoc_html(
        openapi_url=_OPENAPI,
        title="imgclf",
        redoc_js_url=f"{_ASSETS}/redoc.standalone.js",
        redoc_favicon_url=f"{_ASSETS}/favicon.png",
        with_google_fonts=False,
    )
