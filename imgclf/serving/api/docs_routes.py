"""The pages that let a person try the API: Swagger UI and ReDoc, from this server alone, no CDN."""

from importlib.resources import files

from fastapi import FastAPI
from fastapi.openapi.docs import get_redoc_html, get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

_ASSETS = "/docs/assets"
_OPENAPI = "/openapi.json"


def add_docs(app: FastAPI) -> None:
    """Add ``/docs`` and ``/swagger/`` (Swagger UI), ``/redoc``, and the scripts that they load."""
    # Their files come from the package fastapi-offline, which holds nothing else of interest.
    folder = str(files("fastapi_offline") / "static")
    for path in ("/docs", "/swagger", "/swagger/"):
        app.add_api_route(path, _swagger, include_in_schema=False)
    app.add_api_route("/redoc", _redoc, include_in_schema=False)
    app.mount(_ASSETS, StaticFiles(directory=folder), name="docs")


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
