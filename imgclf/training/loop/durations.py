"""Read a time limit as people write it."""

import re

from imgclf.errors import ConfigError

_SECONDS = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_PATTERN = re.compile(r"\s*(\d+(?:\.\d+)?)\s*([smhd]?)\s*", re.IGNORECASE)


def parse_duration(text: str, key: str = "training.max_time") -> float:
    """Return the seconds in a text such as "90", "45s", "10m" or "1.5h"; ``key`` is the setting that a message names.

    Raises:
        ConfigError: it is no such text, or not more than zero.

    >>> parse_duration("10m")
    600.0
    """
    match = _PATTERN.fullmatch(text)
    seconds = float(match[1]) * _SECONDS[match[2].lower() or "s"] if match else 0.0
    if seconds <= 0:
        raise ConfigError(f"{key}: '{text}' is not a time limit. Write for example 45s, 10m or 1.5h.")
    return seconds
