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
