"""A dataset in Parquet shards, as Hugging Face lays them out.

    cifar10/train.parquet  cifar10/test.parquet
    data/train-00000-of-00002.parquet  data/train-00001-of-00002.parquet  data/validation-00000-of-00001.parquet

The split is in a ``split`` column, else in the file's name, else in a folder's; a file without one is `train`. The image
column is a struct of ``bytes`` and ``path``, or binary, or text (paths); labels are whole numbers whose names are in the
schema's metadata, or names. Rows without a label (null or -1) are left out with a warning.
"""

import os
from collections.abc import Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.classes import quoted
from imgclf.data.labels.columns import Kind, huggingface_features
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.split_words import split_in, split_of
from imgclf.data.labels.table import Table, read_table
from imgclf.data.shards.arrow_images import ParquetImages
from imgclf.errors import DataError
from imgclf.words import first_line

_HINT = "A shard has one row per image, with an image and a label column, of at least two classes."


@final
class Parquet:
    """Parquet shards in Hugging Face's layout."""

    name = "parquet"
    summary = "A folder of Parquet shards in Hugging Face's layout"
    made_with = "pyarrow; the documented layout of Hugging Face"
    reads = "Encoded images or paths, splits from a column or from file and folder names, class names from the metadata."
    leaves_out = "Rows without a label. Of several configurations in one folder none is read: name one."
    rank = 60

    def recognises(self, path: Path) -> bool:
        """Say whether there are Parquet files in the folder or two levels below, before any image."""
        return path.is_dir() and _has_shards(path)

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the rows of all shards."""
        where = display_name(path)
        shards = find_shards(path)
        if not shards:
            raise DataError(
                f"{where} holds no Parquet files. Expected train.parquet, or train-00000-of-00002.parquet and so on."
            )
        _refuse_configurations(path, shards, where)
        return read_table(parquet_table(shards, path, where), self.name, wishes, _HINT)


def find_shards(folder: Path) -> dict[Path, str]:
    """Return the Parquet files at any depth, in order of splits and names, with the split that each name says."""
    found = [
        path
        for path in sorted(folder.rglob("*.parquet"))
        if not any(is_hidden(part) for part in path.relative_to(folder).parts)
    ]
    return {path: split_of(path.relative_to(folder)) for path in found}


def _has_shards(folder: Path, depth: int = 2) -> bool:
    """Look into the folder and ``depth`` levels below; quick in a folder of images."""
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
    return depth > 0 and any(_has_shards(folder, depth - 1) for folder in below)


def _refuse_configurations(folder: Path, shards: Mapping[Path, str], where: str) -> None:
    """Refuse folders that each hold the same splits: copies of `train` would be met in `val`."""
    splits_of: dict[str, set[str]] = {}
    for path, split in shards.items():
        below = path.relative_to(folder)
        parts = [
            part for part in below.parts[:-1] if part != "data" and "=" not in part and not split_in(part)
        ]
        if len(parts) + 1 < len(below.parts) or split_in(below.stem):
            splits_of.setdefault("/".join(parts), set()).add(split)
    names = [name for name in splits_of if name]
    if len(names) > 1 and any(
        splits_of[one] & splits_of[other] for one in names for other in names if one != other
    ):
        raise DataError(
            f"{where} holds {len(names)} datasets with splits of the same names: {quoted(names)}. Name one of them, such "
            f"as --data {where}/{names[0]}."
        )


def parquet_table(shards: Mapping[Path, str], folder: Path, where: str) -> Table:
    """Return Parquet files as one table.

    Args:
        shards: file -> the split that its name says.
        folder: that they lie in.
        where: as the user knows them.

    Raises:
        DataError: they cannot be read, or disagree on their columns.
    """
    ordered = sorted(shards, key=lambda path: ("train", "val", "test").index(shards[path]))
    try:
        schema = _common_schema(ordered)
        counts = [pq.read_metadata(path).num_rows for path in ordered]
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{where} cannot be read as Parquet: {first_line(error)}.") from error
    ends = list(accumulate(counts))

    def row(index: int) -> str:
        place = next(place for place, end in enumerate(ends) if index < end)
        return f"{display_name(ordered[place])}, row {index - ends[place] + counts[place] + 1}"

    def prefix(path: Path) -> str:
        return "" if path.parent == folder else f"{path.parent.relative_to(folder).as_posix()}/"

    prefixes = [prefix(path) for path in ordered]
    return Table(
        where,
        folder,
        schema.names,
        lru_cache(maxsize=None)(lambda column: _cells(ordered, column)),
        row,
        images=lambda column: _images(ordered, column, schema),
        splits=[shards[path] for path, count in zip(ordered, counts, strict=True) for _ in range(count)],
        prefixes=[text for text, count in zip(prefixes, counts, strict=True) for _ in range(count)]
        if any(prefixes)
        else (),
        features=huggingface_features(schema.metadata),
        kinds={field.name: _kind(field.type) for field in schema},
    )


def _common_schema(files: Sequence[Path]) -> Any:
    schemas = [pq.read_schema(path) for path in files]
    for path, schema in zip(files, schemas, strict=True):
        if schema.names != schemas[0].names or _features(schema) != _features(schemas[0]):
            raise DataError(
                f"{display_name(path)} has other columns or class names than {display_name(files[0])}: they are shards "
                f"of different datasets. Name the folder of one of them."
            )
    return schemas[0]


def _features(schema: Any) -> Mapping[str, Any]:
    return huggingface_features(schema.metadata)


def _kind(type_: Any) -> Kind:
    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    if pa.types.is_string(type_) or pa.types.is_large_string(type_):
        return "text"
    if pa.types.is_binary(type_) or pa.types.is_large_binary(type_) or pa.types.is_struct(type_):
        return "image"
    return "number" if pa.types.is_integer(type_) or pa.types.is_floating(type_) else "other"


def _cells(files: Sequence[Path], column: str) -> list[Any]:
    return [cell for path in files for cell in pq.read_table(path, columns=[column]).column(0).to_pylist()]


def _images(
    files: Sequence[Path], column: str, schema: Any
) -> tuple[Sequence[ImageSource], Sequence[str]] | None:
    """Return encoded images, with the names that they have in a struct; None for a column of paths.

    Where some rows hold a path only, all are taken into a list: a path is a file that may change by itself.
    """
    type_ = schema.field(column).type
    if _kind(type_) == "text":
        return None
    images = ParquetImages(files, column)
    names: list[str] = []
    if pa.types.is_struct(type_) and type_.get_field_index("path") >= 0:
        cells = _cells(files, f"{column}.path")
        names = [(cell["path"] if isinstance(cell, dict) else cell) or "" for cell in cells]
        if pa.types.is_null(type_.field("bytes").type):
            return list(images), names
    return (images if images.all_encoded else list(images)), names
