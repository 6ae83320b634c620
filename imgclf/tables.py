"""CSV files in and out: RFC 4180 with a heading, UTF-8, one line feed a row.

A file's name may hold bytes that are no UTF-8; they survive the way out and in again (PEP 383).
"""

import csv
from codecs import BOM_UTF8
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import Any, final

from imgclf.atomic import write_atomically


@final
class _Appending:
    """What ``csv.writer`` writes to: one call for each line."""

    def __init__(self, lines: list[str]) -> None:
        self.write = lines.append


def csv_text(rows: Iterable[Iterable[Any]], delimiter: str = ",") -> str:
    """Return rows of cells as CSV."""
    # The writer quotes a carriage return only where the line's end has one; without quotes it ends the row for every
    # reader. So the lines are written with both, and lose the one at their end.
    lines: list[str] = []
    csv.writer(_Appending(lines), delimiter=delimiter, lineterminator="\r\n").writerows(rows)
    return "".join(f"{line[:-2]}\n" for line in lines)


def write_csv(
    path: Path,
    columns: Iterable[str],
    rows: Iterable[Iterable[Any]],
    delimiter: str = ",",
    *,
    byte_order_mark: bool = False,
) -> None:
    """Write a table atomically; with a byte-order mark where people open it in Excel, which else guesses the encoding.

    Raises:
        RunError: the disk is full or the folder is read-only; the old file is intact.
    """
    content = csv_text(chain([columns], rows), delimiter).encode("utf-8", "surrogateescape")
    write_atomically(path, lambda file: file.write((BOM_UTF8 if byte_order_mark else b"") + content))


def read_csv(path: Path) -> list[dict[str, str]]:
    """Return the rows of a table, each as column -> cell.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no table: a row has more or fewer cells than the heading.
    """
    with path.open(newline="", encoding="utf-8-sig", errors="surrogateescape") as file:
        try:
            header, *rows = list(csv.reader(file)) or [[]]
        except csv.Error as error:
            raise ValueError(str(error)) from None
    return [dict(zip(header, row, strict=True)) for row in rows if row]
