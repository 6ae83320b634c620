"""How many cores a process may use."""

import os
from pathlib import Path

import pytest

from imgclf.data.loading.cores import cores


@pytest.mark.parametrize(
    ("quota", "expected"), [("150000 100000", 2), ("50000 100000", 1), ("max 100000", 64), (None, 64)]
)
def test_a_quota_limits_the_cores(
    quota: str | None, expected: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One and a half cores are two, half a core is one; without a quota the affinity decides."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(64)), raising=False)
    file = tmp_path / "cpu.max"
    if quota is not None:
        file.write_text(quota)
    assert cores(file) == expected
