"""CSV files as people's programs write them: separators, encodings, no heading, Excel's first line."""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import zip_longest
from pathlib import Path

from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension
from imgclf.data.labels.cells import name_of
from imgclf.data.labels.reading import Wishes
from imgclf.data.labels.split_words import split_in, split_of
from imgclf.data.labels.table import Table
from imgclf.errors import DataError
from imgclf.words import first_line

_UTF16 = (b"\xff\xfe", b"\xfe\xff")


@dataclass(frozen=True)
class CsvFile:
    """One CSV file: its heading (empty where it has none), its rows, and the line on which each begins."""

    path: Path
    names: tuple[str, ...]
    rows: list[list[str]]
    lines: Sequence[int]


def read_csv_file(path: Path) -> CsvFile:
    """Read UTF-8 (with bytes of other encodings kept) or UTF-16, with commas, semicolons or tabs.

    Raises:
        DataError: it cannot be read, or a quote never ends.
    """
    where = display_name(path)
    try:
        content = path.read_bytes()
        encoding = "utf-16" if content.startswith(_UTF16) else "utf-8-sig"
        # Bytes that are no UTF-8 survive: a path with them still names its file.
        text = content.decode(encoding, "surrogateescape" if encoding == "utf-8-sig" else "strict")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its UTF-16 is damaged"
        raise DataError(f"{where} cannot be read as CSV: {reason}.") from error
    first, _, rest = text.partition("\n")
    skipped = 0
    if first.lower().startswith("sep=") and len(first.strip()) == 5:
        text, separator, skipped = rest, first.strip()[4], 1
    else:
        separator = max(",;\t", key=first.count)
    return _parsed(path, text, separator, skipped, where)


def _parsed(path: Path, text: str, separator: str, skipped: int, where: str) -> CsvFile:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    rows, lines = [], []
    try:
        for row in reader:
            if row:
                rows.append(row)
                lines.append(reader.line_num + skipped)
    except csv.Error as error:
        raise DataError(f"{where} cannot be read as CSV: {first_line(error)}.") from error
    if rows and not _is_data(rows[0]):
        return CsvFile(path, tuple(rows[0]), rows[1:], lines[1:])
    return CsvFile(path, (), rows, lines)


def _is_data(row: list[str]) -> bool:
    """Say whether a first row names an image rather than columns."""
    return any(extension(cell.strip()) in IMAGE_EXTENSIONS for cell in row)


def csv_table(files: Sequence[CsvFile], folder: Path, where: str, wishes: Wishes) -> tuple[Table, Wishes]:
    """Return CSV files of the same columns as one table, and the wishes with what a file without heading shows.

    Raises:
        DataError: a file has no heading, and its columns do not show what they are.
    """
    rows = [row for file in files for row in file.rows]
    columns = list(zip_longest(*rows, fillvalue="")) if rows else []
    names = files[0].names
    if not names and columns:
        names = tuple(f"column {number + 1}" for number in range(len(columns)))
        wishes = _shown(names, columns, wishes, where)
    prefixes = [_prefix(file.path.parent, folder) for file in files]
    counts = [len(file.rows) for file in files]
    starts = [sum(counts[:place]) for place in range(len(files))]

    def cells(name: str) -> Sequence[str]:
        place = names.index(name)
        return columns[place] if place < len(columns) else [""] * len(rows)

    def row(index: int) -> str:
        place = max(place for place, start in enumerate(starts) if start <= index)
        line = files[place].lines[index - starts[place]]
        return f"{display_name(files[place].path)}, line {line}"

    splits: list[str] = []
    for file, count in zip(files, counts, strict=True):
        splits += [split_of(file.path.relative_to(folder))] * count
    table = Table(
        where,
        folder,
        tuple(name for name in names if name.strip()),
        cells,
        row,
        splits=splits if len(files) > 1 or split_in(files[0].path.stem) else (),
        prefixes=[prefix for prefix, count in zip(prefixes, counts, strict=True) for _ in range(count)]
        if any(prefixes)
        else (),
    )
    return table, wishes


def _prefix(folder: Path, root: Path) -> str:
    return "" if folder == root else f"{folder.relative_to(root).as_posix()}/"


def _shown(names: Sequence[str], columns: Sequence[Sequence[str]], wishes: Wishes, where: str) -> Wishes:
    """Tell the columns of a file without a heading by what they hold."""
    image = next(
        name
        for name, cells in zip(names, columns, strict=True)
        if extension(cells[0].strip()) in IMAGE_EXTENSIONS
    )
    split = next(
        (
            name
            for name, cells in zip(names, columns, strict=True)
            if all(split_in(cell) for cell in set(cells))
        ),
        None,
    )
    others = [name for name in names if name not in (image, split)]
    if len(others) != 1 and wishes.label_column is None:
        example = "; ".join(
            f"{name}: {name_of(cells[0])[:20]}" for name, cells in list(zip(names, columns, strict=True))[:5]
        )
        raise DataError(
            f"{where} has no heading, and which of its {len(names)} columns is the label cannot be told ({example}). "
            f"Name it with --label-column 'column N', or write a heading."
        )
    return replace(
        wishes,
        image_column=wishes.image_column or image,
        label_column=wishes.label_column or others[0],
        split_column=split if wishes.split_column is None and split else wishes.split_column,
    )
