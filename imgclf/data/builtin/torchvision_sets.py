"""torchvision's classification datasets under their own names; what is known of each stands in the TOML file beside."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from imgclf.data.fetching.torchvision_adapter import Fields, TorchvisionSet
from imgclf.records import DatasetInfo


def _read(name: str, table: Mapping[str, Any]) -> TorchvisionSet:
    info: dict[str, Any] = {
        key: tuple(value) if isinstance(value, list) else value for key, value in table["info"].items()
    }
    return TorchvisionSet(
        **{**table, "info": DatasetInfo(name=name, **info), "fields": Fields(**table["fields"])}
    )


_TABLES = tomllib.loads(Path(__file__).with_suffix(".toml").read_text(encoding="utf-8"))

SETS = {name: _read(name, table) for name, table in _TABLES.items()}


def __getattr__(name: str) -> TorchvisionSet:
    """Give each set by its name, as an entry point asks for it."""
    if name not in SETS:
        raise AttributeError(f"module 'imgclf.data.builtin.torchvision_sets' has no attribute '{name}'")
    return SETS[name]
