"""A local API over one model: uploads -> batching -> predictions.

``api/uploads.py`` takes the images out of a request, ``model/batching.py`` computes those of many requests together,
``api/image_routes.py`` sends each its prediction. The rooms in reading order:

- ``settings.py``: everything that can be chosen.
- ``http/``: what any server needs: refusals, traces, limits on bodies, keys, logs, metrics.
- ``model/``: the model that serves: opened, measured, swapped; the line of images; saliency maps.
- ``service.py``: the one object that the endpoints work with.
- ``api/``: the endpoints, what they take and what they return.
- ``ui/``: the page for people.
- ``app.py``, ``server.py``: all of it put together, and uvicorn under it.
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily

if TYPE_CHECKING:
    from imgclf.serving.http.credentials import add_key, load_keys
    from imgclf.serving.server import bind, serve
    from imgclf.serving.settings import ServerSettings
    from imgclf.serving.ui import check_installed

__all__ = ["ServerSettings", "add_key", "bind", "check_installed", "load_keys", "serve"]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(
    __name__,
    {
        "ServerSettings": "imgclf.serving.settings",
        "add_key": "imgclf.serving.http.credentials",
        "bind": "imgclf.serving.server",
        "check_installed": "imgclf.serving.ui",
        "load_keys": "imgclf.serving.http.credentials",
        "serve": "imgclf.serving.server",
    },
)
