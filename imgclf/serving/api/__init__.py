"""The endpoints.

Reading order: ``schemas.py`` (the wire format), ``uploads.py`` (images out of a request),
``mistakes.py`` (what does not fit in one), ``image_routes.py``,
``explain_routes.py``, ``status_routes.py``; ``v2/`` (the Open Inference Protocol);
``documentation.py`` (the pages that show all this).
"""
