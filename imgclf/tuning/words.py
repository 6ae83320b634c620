"""Metrics and settings in words."""

from collections.abc import Mapping
from typing import Any

from imgclf.task import is_loss
from imgclf.words import percent

_NAMES = {"val_accuracy": "val accuracy", "val_macro_f1": "val macro F1", "val_loss": "val loss"}


def metric_name(metric: str) -> str:
    """Return the metric as a person says it."""
    return _NAMES[metric]


def metric_text(metric: str, value: float | None) -> str:
    """Return a value of the metric: shares in per cent, losses with four digits.

    >>> metric_text("val_accuracy", 0.9312), metric_text("val_loss", 0.25), metric_text("val_loss", None)
    ('93.12%', '0.2500', '')
    """
    if value is None:
        return ""
    return f"{value:.4f}" if is_loss(metric) else percent(value, 2)


def param_text(value: Any) -> str:
    """Return a setting's value as it stands in a table.

    >>> param_text(0.1), param_text({"name": "sgd", "momentum": 0.9}), param_text(True), param_text(None)
    ('0.1', 'sgd momentum=0.9', 'true', '')
    """
    if isinstance(value, Mapping):
        rest = [f"{key}={param_text(one)}" for key, one in value.items() if key != "name"]
        return " ".join([*([str(value["name"])] if "name" in value else []), *rest])
    if isinstance(value, list | tuple):
        return "[" + ", ".join(param_text(one) for one in value) + "]"
    if value is None or isinstance(value, bool):
        return "" if value is None else str(value).lower()
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def params_text(params: Mapping[str, Any]) -> str:
    """Return all settings of a trial in one line."""
    return "  ".join(f"{key} {param_text(value)}" for key, value in params.items()) or "the recipe as it is"
