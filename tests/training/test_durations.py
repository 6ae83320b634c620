"""Time limits as people write them."""

import pytest

from imgclf.errors import ConfigError
from imgclf.training.loop.durations import parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("90", 90.0), ("45s", 45.0), ("10m", 600.0), ("1.5h", 5400.0), (" 2 D ", 172_800.0)]
)
def test_reads_seconds_minutes_hours_and_days(text: str, seconds: float) -> None:
    """A number with a unit, or without one for seconds."""
    assert parse_duration(text) == seconds


@pytest.mark.parametrize("text", ["soon", "10 minutes", "0m", "-5m", ""])
def test_refuses_what_is_no_time_limit(text: str) -> None:
    """Anything else is an error that shows how to write it."""
    with pytest.raises(ConfigError, match=r"is not a time limit\. Write for example 45s, 10m or 1\.5h\."):
        parse_duration(text)
