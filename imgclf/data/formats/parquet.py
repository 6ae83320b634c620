"""A dataset in Parquet shards, as Hugging Face lays them out.

    cifar10/train.parquet  cifar10/test.parquet
    data/train-00000-of-00002.parquet  data/train-00001-of-00002.parquet  data/validation-00000-of-00001.parquet

The split is in the file's name, else in a folder's; a file without one is `train`. The image column is a
struct of ``bytes`` and ``path``, or binary; labels are whole numbers whose names are in the schema's metadata,
or names. Rows without a label (null or -1) are left out with a warning.
"""

import os
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.data.examples import Dataset
from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.labels.classes import split_of
from imgclf.data.labels.columns import Columns, find_columns, huggingface_features
from imgclf.data.labels.rows import SplitRows, dataset_of_rows
from imgclf.data.shards.arrow_images import ParquetImages
from imgclf.data.stored_images import Chosen
from imgclf.errors import DataError
from imgclf.records import DatasetInfo

_HINT = "A shard has one row per image, with an image and a label column, of at least two classes."


def find_shards(folder: Path) -> dict[str, list[Path]]:
    """Return split -> its Parquet files in order, at any depth; empty where there are none."""
    shards: dict[str, list[Path]] = {}
    for path in sorted(folder.rglob("*.parquet")):
        if not any(is_hidden(part) for part in path.relative_to(folder).parts):
            shards.setdefault(split_of(path.relative_to(folder)), []).append(path)
    return shards


def has_shards(folder: Path, depth: int = 2) -> bool:
    """Say whether there are Parquet files in the folder or ``depth`` levels below; quick in a folder of images."""
    below = []
    try:
        with os.scandir(folder) as entries:
            for entry in entries:
                ending = extension(entry.name)
                if is_hidden(entry.name):
                    continue
                if ending == "parquet" and entry.is_file():
                    return True
                if ending in IMAGE_EXTENSIONS:
                    return False
                if entry.is_dir():
                    below.append(Path(entry.path))
    except OSError:
        return False
    return depth > 0 and any(has_shards(folder, depth - 1) for folder in below)


def open_parquet(folder: Path, info: DatasetInfo | None = None) -> Dataset:
    """Open a folder of Parquet shards.

    Args:
        folder: holds the shards, at any depth.
        info: what to say of the dataset; by default its name is the folder's.

    Raises:
        DataError: there are no shards, they disagree on their columns, or their rows fit no dataset.
    """
    where = display_name(folder)
    shards = find_shards(folder)
    if not shards:
        raise DataError(
            f"{where} holds no Parquet files. Expected train.parquet, or train-00000-of-00002.parquet and so on."
        )
    return read_shards(
        shards, where, info or DatasetInfo(name=folder.resolve().name, summary=f"Parquet in {where}")
    )


def read_shards(shards: dict[str, list[Path]], where: str, info: DatasetInfo) -> Dataset:
    """Open Parquet files whose splits are known; see :func:`open_parquet`."""
    files = [path for paths in shards.values() for path in paths]
    try:
        columns = _common_columns(files)
        rows = {split: _read_split(split, paths, columns) for split, paths in shards.items()}
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{where} cannot be read as Parquet: {error}.") from error
    warnings = [
        f"{dropped} rows of the {split} split have no label and are left out."
        for split, (_, dropped) in rows.items()
        if dropped
    ]
    return dataset_of_rows(
        where,
        info,
        {split: found for split, (found, _) in rows.items()},
        class_names=columns.class_names,
        hint=_HINT,
        warnings=warnings,
    )


def _common_columns(files: list[Path]) -> Columns:
    columns = [_columns(path) for path in files]
    for path, found in zip(files, columns, strict=True):
        if found != columns[0]:
            raise DataError(
                f"{display_name(path)} has other columns or class names than {display_name(files[0])}: they are shards "
                f"of different datasets. Name the folder of one of them."
            )
    return columns[0]


def _columns(path: Path) -> Columns:
    schema = pq.read_schema(path)
    return find_columns(schema.names, display_name(path), huggingface_features(schema.metadata))


def _read_split(split: str, paths: list[Path], columns: Columns) -> tuple[SplitRows, int]:
    """Return the labelled rows of one split, and how many have no label."""
    images = ParquetImages(paths, columns.image)
    labels = [_label(cell, columns, path) for path in paths for cell in _cells(path, columns.label)]
    groups = (
        [str(cell or "") for path in paths for cell in _cells(path, columns.group)] if columns.group else []
    )
    files = _file_names(split, paths, columns.image, len(labels))
    kept = [index for index, label in enumerate(labels) if label]
    dropped = len(labels) - len(kept)
    if not dropped:
        return SplitRows(images, labels, files, groups), 0
    rows = SplitRows(
        images=Chosen(images, np.asarray(kept, dtype=np.int64)),
        labels=[labels[index] for index in kept],
        files=[files[index] for index in kept],
        groups=[groups[index] for index in kept] if groups else [],
    )
    return rows, dropped


def _cells(path: Path, column: str) -> list[Any]:
    cells: list[Any] = pq.read_table(path, columns=[column]).column(0).to_pylist()
    return cells


def _label(cell: Any, columns: Columns, path: Path) -> str:
    """Return the class name of a cell, or an empty string where it has no label."""
    if cell is None or cell == -1:
        return ""
    if not columns.class_names or isinstance(cell, str):
        return str(cell)
    if not 0 <= cell < len(columns.class_names):
        raise DataError(
            f"{display_name(path)} has the label {cell}, but its metadata names {len(columns.class_names)} classes "
            f"(0 to {len(columns.class_names) - 1})."
        )
    return columns.class_names[int(cell)]


def _file_names(split: str, paths: list[Path], column: str, count: int) -> list[str]:
    """Return the images' own names where each has one and no two are equal, else their numbers."""
    field = pq.read_schema(paths[0]).field(column)
    if pa.types.is_struct(field.type) and field.type.get_field_index("path") >= 0:
        cells = [cell for path in paths for cell in _cells(path, f"{column}.path")]
        names = [cell["path"] if isinstance(cell, dict) else cell for cell in cells]
        if all(names) and max(Counter(names).values(), default=0) == 1:
            return [display_name(name) if "/" in name else f"{split}/{display_name(name)}" for name in names]
    return [f"{split}/{index:05d}" for index in range(count)]
