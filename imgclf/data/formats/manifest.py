"""A manifest: one CSV or Parquet file that names images and their labels.

    path,label,split,patient
    scans/0001.png,benign,train,p17
    scans/0002.png,malignant,test,p18

Columns by name, in any case and order (see :mod:`imgclf.data.labels.columns`): an image column (``path``, ``file``,
``image``, ``filename``, ...), a label column (``label``, ``class``, ``target``, ``category``, ...), and where wanted
a ``split`` column (train, val or test; without it everything is `train`) and a ``group`` column (``group``,
``patient``, ``subject``, ...: rows of one group stay in one split). Paths are relative to the manifest. CSV is
UTF-8, separated by commas, semicolons or tabs. Labels are names or whole numbers. In Parquet the image column
may hold encoded images.
"""

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.data.examples import Dataset
from imgclf.data.formats.parquet import read_shards
from imgclf.data.images.names import display_name
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.classes import SPLIT_WORDS
from imgclf.data.labels.columns import Columns, find_columns, huggingface_features
from imgclf.data.labels.rows import SplitRows, dataset_of_rows
from imgclf.data.shards.arrow_images import ParquetImages
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage

_HINT = "A manifest has one row per image, with a path and a label, of at least two classes."


@dataclass(frozen=True)
class _Row:
    """One line of a manifest; ``number`` is the line in a CSV file (the heading is 1), the row from 1 in Parquet."""

    number: int
    image: ImageSource | str
    label: str
    split: str
    group: str


def open_manifest(path: Path, info: DatasetInfo | None = None) -> Dataset:
    """Open a CSV or Parquet manifest.

    Raises:
        DataError: the file cannot be read, lacks a column, or a row is wrong (the message has its number).
    """
    where = display_name(path)
    info = info or DatasetInfo(name=display_name(path.stem), summary=f"Manifest {where}")
    if _is_plain_shard(path):
        return read_shards({"train": [path]}, where, info)
    rows = list(_parquet_rows(path, where) if path.suffix.lower() == ".parquet" else _csv_rows(path, where))
    splits: dict[str, list[tuple[_Row, str, ImageSource]]] = {}
    unreadable: list[UnreadableImage] = []
    seen: dict[tuple[str, str], _Row] = {}
    repeats = 0
    for row in rows:
        file, image = _image(row, path.parent)
        split = _split(row, where)
        earlier = seen.setdefault((split, file), row)
        if earlier is not row:
            _check_repeat(earlier, row, file, where)
            repeats += 1
        elif isinstance(image, Path) and not _is_file(image):
            unreadable.append(
                UnreadableImage(file, f"is named in line {row.number} of {path.name} but is no file")
            )
        else:
            splits.setdefault(split, []).append((row, file, image))
    if unreadable and not splits:
        raise DataError(
            f"{where} names {len(unreadable)} files and none of them exists, for example {unreadable[0].file}. Paths "
            f"are relative to the folder of the manifest, {display_name(path.parent.absolute())}."
        )
    warnings = [f"{repeats} rows of {where} repeat an earlier row and are left out."] if repeats else []
    return dataset_of_rows(
        where,
        info,
        {split: _split_rows(found) for split, found in splits.items()},
        hint=_HINT,
        unreadable=unreadable,
        warnings=warnings,
    )


def _is_plain_shard(path: Path) -> bool:
    """Say whether this is Parquet with encoded images and no split column, which need not all be in memory."""
    if path.suffix.lower() != ".parquet":
        return False
    try:
        schema = pq.read_schema(path)
    except (OSError, pa.ArrowException):  # The road of the other manifests reports it.
        return False
    columns = find_columns(schema.names, display_name(path), huggingface_features(schema.metadata))
    return columns.split is None and not _is_text(schema, columns.image)


def _split_rows(found: list[tuple[_Row, str, ImageSource]]) -> SplitRows:
    return SplitRows(
        images=[image for _, _, image in found],
        labels=[row.label for row, _, _ in found],
        files=[file for _, file, _ in found],
        groups=[row.group for row, _, _ in found],
    )


def _csv_rows(path: Path, where: str) -> Iterator[_Row]:
    try:
        # Bytes that are no UTF-8 survive: a path with them still names its file.
        with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
            heading = file.readline()
            file.seek(0)
            separator = max(",;\t", key=heading.count)
            reader = csv.DictReader(file, delimiter=separator, strict=True)
            columns = find_columns([name for name in reader.fieldnames or () if name], where)
            for cells in reader:
                yield _row(reader.line_num, cells, columns, where)
    except (OSError, csv.Error) as error:
        raise DataError(f"{where} cannot be read as CSV: {error}.") from error


def _parquet_rows(path: Path, where: str) -> Iterator[_Row]:
    try:
        schema = pq.read_schema(path)
        columns = find_columns(schema.names, where, huggingface_features(schema.metadata))
        others = [name for name in (columns.label, columns.split, columns.group) if name]
        cells = {name: pq.read_table(path, columns=[name]).column(0).to_pylist() for name in others}
        images = _parquet_images(path, columns.image, schema)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{where} cannot be read as Parquet: {error}.") from error
    for index, image in enumerate(images):
        row = {name: values[index] for name, values in cells.items()}
        yield _row(index + 1, {**row, columns.image: image}, columns, where)


def _parquet_images(path: Path, column: str, schema: Any) -> Sequence[Any]:
    if _is_text(schema, column):
        texts: list[Any] = pq.read_table(path, columns=[column]).column(0).to_pylist()
        return texts
    return ParquetImages([path], column)


def _is_text(schema: Any, column: str) -> bool:
    kind = schema.field(column).type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def _row(number: int, cells: Mapping[str, Any], columns: Columns, where: str) -> _Row:
    image, label = cells[columns.image], _text(cells[columns.label])
    for value, name in ((image, columns.image), (label, columns.label)):
        if value is None or value == "":
            raise DataError(
                f"{where}, line {number}: no value in the column '{name}'. Fill it in or remove the line."
            )
    if columns.class_names and label.isdecimal() and int(label) < len(columns.class_names):
        label = columns.class_names[int(label)]
    label = display_name(label)
    split = _text(cells[columns.split]) if columns.split else "train"
    return _Row(number, image, label, split, _text(cells[columns.group]) if columns.group else "")


def _text(value: Any) -> str:
    """Return a cell as text; pandas writes a column of whole numbers with gaps as floats."""
    if value is None:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _image(row: _Row, folder: Path) -> tuple[str, ImageSource]:
    """Return the row's name for a person, and its image."""
    if isinstance(row.image, str):
        return display_name(row.image), folder / row.image
    if isinstance(row.image, Path):
        inside = row.image.is_relative_to(folder)
        return display_name(row.image.relative_to(folder) if inside else row.image), row.image
    return f"{row.split or 'train'}/{row.number - 1:05d}", row.image


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name too long, or with a NUL in it.
        return False


def _split(row: _Row, where: str) -> str:
    split = SPLIT_WORDS.get(row.split.lower())
    if split is None:
        raise DataError(
            f"{where}, line {row.number}: the split '{display_name(row.split)}' is none of train, val, test."
        )
    return split


def _check_repeat(earlier: _Row, row: _Row, file: str, where: str) -> None:
    if earlier.label != row.label:
        raise DataError(
            f"{where}: {file} is '{display_name(earlier.label)}' in line {earlier.number} and "
            f"'{display_name(row.label)}' in line {row.number}. Keep one of them."
        )
