"""What does not fit in a request, in sentences of our own: no library's words reach a client."""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from fastapi import Request
from fastapi.routing import APIRoute
from starlette.formparsers import MultiPartException

from imgclf.errors import suggest
from imgclf.serving.http.problems import RefusedError

# pydantic's error types (https://docs.pydantic.dev/latest/errors/validation_errors/) -> what was expected.
_EXPECTED = {
    "bool_parsing": "true or false is expected",
    "bool_type": "true or false is expected",
    "dict_type": "an object is expected",
    "finite_number": "a finite number is expected",
    "float_parsing": "a number is expected",
    "float_type": "a number is expected",
    "greater_than_equal": "it must be at least {ge:g}",
    "int_from_float": "a whole number is expected",
    "int_parsing": "a whole number is expected",
    "int_parsing_size": "a smaller whole number is expected",
    "int_type": "a whole number is expected",
    "less_than_equal": "it must be at most {le:g}",
    "list_type": "a list is expected",
    "literal_error": "{expected} is expected",
    "model_attributes_type": "an object is expected",
    "model_type": "an object is expected",
    "string_too_long": "at most {max_length} characters are expected",
    "string_too_short": "at least {min_length} character is expected",
    "string_type": "a text is expected",
}
_MOST_SHOWN = 40
OPTIONS = ("top_k", "threshold")
"""What may stand in a form or in JSON beside the image."""


class NotANumberError(ValueError):
    """JSON has a word such as NaN, which its standard does not know."""


def first_mistake(errors: Any) -> str:
    """Return the first of pydantic's complaints as a sentence: what was given, what was expected."""
    first = errors[0]
    place = ".".join(str(part) for part in first["loc"] if part not in ("query", "body", "path"))
    subject = f"'{place[:80]}'" if place else "The body"
    if first["type"] == "missing":
        return f"{subject} is missing. See /docs."
    expected = _EXPECTED.get(first["type"], "something else is expected").format_map(first.get("ctx", {}))
    return f"{subject} is {_shown(first['input'])}, but {expected}. See /docs."


def _shown(given: Any) -> str:
    """Return what was given, in JSON's words; the beginning of it, since it may be megabytes."""
    if isinstance(given, str):
        return repr(given if len(given) <= _MOST_SHOWN else f"{given[:_MOST_SHOWN]}...")
    if isinstance(given, Mapping):
        return "an object"
    if isinstance(given, list):
        return "a list"
    if given is None or isinstance(given, bool):
        return json.dumps(given)
    return str(given)[:_MOST_SHOWN]


def why_no_json(error: ValueError) -> str:
    """Return what is wrong with a text that should be JSON, as the rest of a sentence."""
    if isinstance(error, json.JSONDecodeError):
        return f"it breaks off or goes wrong in line {error.lineno}, column {error.colno}"
    if isinstance(error, UnicodeDecodeError):
        return "its text is not UTF-8"
    if isinstance(error, NotANumberError):
        return f"{error} is no JSON"
    return "a number in it has too many digits"


def why_no_form(error: MultiPartException) -> str:
    """Return what is wrong with a form, as the rest of a sentence."""
    if error.message.startswith("Too many"):
        return "it has too many files or fields"
    if error.message.startswith("Missing boundary"):
        return "its Content-Type names no boundary"
    if error.message.startswith("Part exceeded"):
        return "one of its fields is too long"
    return "its parts are not as its boundary says"


def refuse_misspelt_options(names: Iterable[str]) -> None:
    """Refuse a field that was meant for an option; others in the same body are nobody's business.

    Raises:
        RefusedError: 422 with the option's name.
    """
    for name in names:
        if name not in OPTIONS and (meant := suggest(name[:_MOST_SHOWN], OPTIONS)):
            raise RefusedError(422, f"There is no option '{name[:_MOST_SHOWN]}'.{meant}")


async def refuse_unknown_parameters(request: Request) -> None:
    """Refuse a word of the address that nobody would look at, such as ``?topk=2``.

    Raises:
        RefusedError: 422 with the nearest name.
    """
    route: APIRoute = request.scope["route"]
    known = sorted(field.alias for field in route.dependant.query_params)
    unknown = [name for name in request.query_params if name not in known]
    if unknown:
        name = unknown[0][:_MOST_SHOWN]
        taken = f"The parameters here: {', '.join(known)}." if known else "This address takes none."
        raise RefusedError(422, f"There is no parameter '{name}'.{suggest(name, known)} {taken}")
