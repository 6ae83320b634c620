"""Gradio as an ASGI application that shows this page and does nothing else."""

import gradio as gr
from fastapi import FastAPI
from starlette.types import ASGIApp

from imgclf.serving.service import Service
from imgclf.serving.settings import PAGE
from imgclf.serving.ui.callbacks import Callbacks
from imgclf.serving.ui.facts import Facts
from imgclf.serving.ui.layout import asset, build, theme


async def mounted(service: Service, facts: Facts) -> ASGIApp:
    """Return an application that answers below :data:`PAGE`.

    It needs no lifespan: no event of the page goes through Gradio's queue, and nothing is kept that had to be cleaned up.
    """
    app: ASGIApp = gr.mount_gradio_app(
        FastAPI(openapi_url=None),
        build(facts, Callbacks(service, facts)),
        PAGE.rstrip("/"),
        footer_links=[],
        run_history=False,
        show_error=True,
        ssr_mode=False,
        mcp_server=False,
        enable_monitoring=False,
        pwa=False,
        theme=theme(),
        css=asset("style.css"),
    )
    return app


def allowed(method: str, path: str) -> bool:
    """Whether the page needs this of Gradio; the rest of it (uploads, files, proxies, editors) is not reachable.

    Args:
        method: of HTTP.
        path: below :data:`PAGE`.
    """
    if method == "POST":
        return path == "gradio_api/run/predict"
    return path in ("", "theme.css") or path.startswith(("assets/", "static/"))
