"""How keys are sent, in the OpenAPI document: clients that are made from it, and /docs, then know how."""

from typing import Any

from fastapi import FastAPI

from imgclf.serving.http.security import OPEN_PATHS

_WAYS: dict[str, dict[str, str]] = {
    "basic": {
        "type": "http",
        "scheme": "basic",
        "description": "The key's name as user, the key as password.",
    },
    "bearer": {"type": "http", "scheme": "bearer", "description": "The key."},
    "apiKey": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The key."},
}


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
