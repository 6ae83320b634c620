"""Records (JSON lines, what labelling tools export) as a table."""

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from imgclf.data.images.names import display_name
from imgclf.data.labels.table import Table
from imgclf.errors import DataError


def records_table(records: Sequence[Mapping[str, Any]], folder: Path, where: str) -> Table:
    """Return records as a table whose columns are the keys that any of them has."""
    names = list(dict.fromkeys(key for record in records for key in record))
    return Table(
        where,
        folder,
        names,
        lambda name: [record.get(name) for record in records],
        lambda row: f"{where}, record {row + 1}",
    )


def read_json(path: Path) -> Any:
    """Return what a JSON file holds.

    Raises:
        DataError: it cannot be read, or is no JSON.
    """
    try:
        return _parsed(path, path.stat().st_mtime_ns)
    except OSError as error:
        raise DataError(f"{display_name(path)} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{display_name(path)} is no JSON: {error}.") from error


def json_or_none(path: Path) -> Any:
    """Return what a JSON file holds; None where there is none, for formats that only look."""
    if path.suffix.lower() != ".json" or not path.is_file():
        return None
    try:
        return read_json(path)
    except DataError:
        return None


def read_json_lines(path: Path) -> list[dict[str, Any]]:
    """Return the objects of a file that has one on each line.

    Raises:
        DataError: it cannot be read, or a line is no object.
    """
    records = []
    try:
        for number, line in enumerate(path.read_text(encoding="utf-8-sig").splitlines(), start=1):
            if line.strip():
                record = json.loads(line)
                if not isinstance(record, dict):
                    raise DataError(f"{display_name(path)}, line {number} is no JSON object.")
                records.append(record)
    except OSError as error:
        raise DataError(f"{display_name(path)} cannot be read: {error.strerror}.") from error
    except ValueError as error:
        raise DataError(f"{display_name(path)}, line {number} is no JSON object: {error}.") from error
    return records


@lru_cache(maxsize=4)
def _parsed(path: Path, _changed: int) -> Any:
    return json.loads(path.read_text(encoding="utf-8-sig"))
