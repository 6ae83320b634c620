"""Say in sentences what does not fit in a config."""

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import BaseModel, ValidationError

from imgclf.errors import suggest
from imgclf.recipes.config import Config, NamedArgs

# pydantic's error types -> what was expected, as the rest of "should be ...".
_EXPECTED = {
    "bool_parsing": "true or false",
    "bool_type": "true or false",
    "dict_type": "a table",
    "float_parsing": "a number",
    "float_type": "a number",
    "int_from_float": "a whole number",
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "model_attributes_type": "a table",
    "model_type": "a table",
    "string_type": "a text",
    "too_long": "a list of two",
    "tuple_type": "a list",
}


def describe_mistakes(error: ValidationError) -> str:
    """Return one sentence for each key that does not fit; alternatives of one key are joined by "or"."""
    problems: dict[str, list[Mapping[str, Any]]] = {}
    for problem in error.errors():
        problems.setdefault(".".join(_location(problem)), []).append(problem)
    # A list with a mistake inside it also fails as the word that could stand in its place: say only the former.
    deepest = [key for key in problems if not any(other.startswith(f"{key}.") for other in problems)]
    return " ".join(_sentence(key, problems[key]) for key in deepest)


def _sentence(key: str, problems: list[Mapping[str, Any]]) -> str:
    first = problems[0]
    if first["type"] == "extra_forbidden":
        known = _known_keys(key.split(".")[:-1])
        return f"Unknown key '{key}'.{suggest(key.rsplit('.', 1)[-1], known)} Known here: {', '.join(known)}."
    if first["type"] == "missing":
        return f"{key} is missing."
    if first["type"] == "value_error":
        return f"{first['ctx']['error']}."
    wanted = " or ".join(dict.fromkeys(expected(problem) for problem in problems))
    return f"{key} should be {wanted} (given: {first['input']!r})."


def expected(problem: Mapping[str, Any]) -> str:
    """Return what pydantic expected of a value, as the rest of "should be ..."."""
    return _EXPECTED.get(problem["type"]) or str(problem["msg"]).removeprefix("Input should be ")


def _location(problem: Mapping[str, Any]) -> Iterable[str]:
    """Yield the key's parts without pydantic's names for the alternatives of a type, such as ``tuple[int, int]``."""
    for part in map(str, problem["loc"]):
        if part not in {"int", "float", "constrained-int", "constrained-float"} and "[" not in part:
            yield part


def _known_keys(tables: list[str]) -> list[str]:
    model: type[BaseModel] = Config
    for name in tables:
        annotation = model.model_fields[name].annotation
        if (
            not (isinstance(annotation, type) and issubclass(annotation, BaseModel))
            or annotation is NamedArgs
        ):
            return []
        model = annotation
    return list(model.model_fields)
