"""Records as JSON, which knows neither tuples, paths nor NaN (RFC 8259)."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, is_dataclass
from pathlib import Path
from typing import Any


def plain(value: Any) -> Any:
    """Turn records, paths and tuples into what JSON has; NaN and infinity become null.

    >>> plain({"accuracy": float("nan"), "size": (32, 32), "file": Path("a.jpg")})
    {'accuracy': None, 'size': [32, 32], 'file': 'a.jpg'}
    """
    if is_dataclass(value) and not isinstance(value, type):
        return plain(asdict(value))
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return str(value) if isinstance(value, Path) else value


def json_text(value: Any, indent: int | None = 2) -> str:
    """Return JSON as people read it: letters stay letters."""
    return json.dumps(plain(value), indent=indent, ensure_ascii=False)
