"""The HTTP API of `imgclf serve`, from the schema that the server itself publishes."""

import re
from typing import Any

from imgclf.serving.app import create_app
from imgclf.serving.settings import ServerSettings

_INTRODUCTION = """# HTTP API

`imgclf serve` publishes this schema at `/openapi.json` and shows it at `/docs`, `/redoc` and `/swagger/`.
`POST /predict` takes an image in any of these ways:

```
curl -F file=@photo.jpg http://127.0.0.1:8000/predict
curl -H 'Content-Type: image/jpeg' --data-binary @photo.jpg http://127.0.0.1:8000/predict
curl --json "{\\"image\\": \\"$(base64 -w0 photo.jpg)\\"}" http://127.0.0.1:8000/predict
```

With keys (`--api-key-file` or the environment), send one as `X-API-Key: KEY`, as `Authorization: Bearer KEY` or as the
password of HTTP Basic. Every answer has the header `X-Request-ID`; every error has the shape of
[ErrorResponse](#errorresponse).
"""

_ERRORS = """## Statuses

| Status | When |
|---|---|
| 400 | no readable request: broken JSON, base64 or form |
| 401 | no key, or a wrong one |
| 404 | nothing at this address, or no model or version of this name |
| 405 | the address does not take this method; `Allow` says which it takes. HEAD works wherever GET does |
| 408 | the body did not come in time |
| 413 | the body, or the image in pixels, is too large |
| 415 | not an image, or of a kind that is not read |
| 422 | a parameter or field is unknown, missing or out of range |
| 429 | too many requests for this key |
| 500 | a defect of the server, or a model whose weights diverged; the log has more under the `request_id` |
| 503 | the queue is full or the model is not ready; `Retry-After` says when to come again |
| 504 | no answer within the deadline |
"""


def page() -> str:
    """Return the page."""
    schema = create_app(ServerSettings(model="", authenticate=False)).openapi()
    parts = [_INTRODUCTION, "## Addresses\n", "| Method | Address | What it does |", "|---|---|---|"]
    operations = [
        (method, path, operation)
        for path, methods in schema["paths"].items()
        for method, operation in methods.items()
    ]
    parts += [f"| {m.upper()} | `{p}` | {_sentence(operation)} |" for m, p, operation in operations]
    parts += ["", "## Parameters\n"]
    for method, path, operation in operations:
        parts += _parameters(method, path, operation)
    parts += [_ERRORS, "## Answers\n"]
    for name, model in schema["components"]["schemas"].items():
        parts += _fields(name, model)
    return "\n".join(parts).rstrip() + "\n"


def _sentence(operation: dict[str, Any]) -> str:
    text = operation.get("description") or operation.get("summary", "")
    return _cell(text.split("\n\n", maxsplit=1)[0])


def _parameters(method: str, path: str, operation: dict[str, Any]) -> list[str]:
    queries = [parameter for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
    if not queries:
        return []
    rows = [f"### {method.upper()} {path}\n", "| Parameter | Kind | Default | Meaning |", "|---|---|---|---|"]
    for query in queries:
        schema = query["schema"]
        default = "" if schema.get("default") is None else f"`{schema['default']}`"
        meaning = query.get("description") or _description(schema)
        rows.append(f"| `{query['name']}` | {_kind(schema)} | {default} | {_cell(meaning)} |")
    return [*rows, ""]


def _fields(name: str, model: dict[str, Any]) -> list[str]:
    rows = [
        f"### {name}\n",
        f"{model.get('description', '')}\n",
        "| Field | Kind | Meaning |",
        "|---|---|---|",
    ]
    for field, schema in model.get("properties", {}).items():
        rows.append(f"| `{field}` | {_kind(schema)} | {_cell(_description(schema))} |")
    return [*rows, ""]


def _description(schema: dict[str, Any]) -> str:
    return schema.get("description") or next(
        (part["description"] for part in schema.get("anyOf", []) if "description" in part), ""
    )


def _kind(schema: dict[str, Any]) -> str:
    """Say in a few words what a schema takes."""
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(map(_kind, schema["anyOf"]))
    if "enum" in schema:
        return ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"name → {_kind(schema['additionalProperties'])}"
    return str(schema.get("type", "any"))


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("``", "`").replace("|", "\\|").strip()
