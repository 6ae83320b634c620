"""Records as JSON."""

import json
from pathlib import Path

from imgclf.atomic import write_json
from imgclf.records import UnreadableImage


def test_records_numbers_and_names_become_json(tmp_path: Path) -> None:
    """NaN is null, letters stay letters, and a name's bytes that are no UTF-8 come back as they were."""
    file = tmp_path / "a.json"
    write_json(file, {"skipped": (UnreadableImage("Möwe\udcff.jpg", "is empty"),), 1: float("inf")})
    assert "Möwe" in file.read_text(encoding="utf-8")
    assert json.loads(file.read_bytes()) == {
        "skipped": [{"file": "Möwe\udcff.jpg", "reason": "is empty"}],
        "1": None,
    }
