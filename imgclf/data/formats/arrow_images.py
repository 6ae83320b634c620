"""Encoded images in Parquet files, as a sequence: held in memory, or read row group by row group."""

from bisect import bisect_right
from collections.abc import Sequence
from functools import cached_property
from itertools import accumulate
from pathlib import Path
from typing import Any, overload

import pyarrow as pa
import pyarrow.parquet as pq

IN_MEMORY_BYTES = 2 * 1024**3
"""Shards up to this size together are held in memory as encoded images."""


class ParquetImages(Sequence[bytes | Path]):
    """N encoded images of one column of Parquet files, in the order of the files' rows.

    The column is binary, a string (a path relative to its file) or Hugging Face's struct of ``bytes`` and
    ``path``. Reading in order costs one decompression per row group; at random it is quick only for a set held
    in memory. It can be pickled, so that worker processes may share it.

    Args:
        files: the Parquet files.
        column: name of the image column.
    """

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self._files = tuple(files)
        self._column = column
        self._groups = [
            (path, group, pq.ParquetFile(path).metadata.row_group(group).num_rows)
            for path in files
            for group in range(pq.ParquetFile(path).num_row_groups)
        ]
        self._ends = list(accumulate(rows for _, _, rows in self._groups))
        self._hold_all = sum(path.stat().st_size for path in files) <= IN_MEMORY_BYTES
        self._last: tuple[int, Any] | None = None

    def __len__(self) -> int:
        return self._ends[-1] if self._ends else 0

    @overload
    def __getitem__(self, index: int) -> bytes | Path: ...
    @overload
    def __getitem__(self, index: slice) -> "list[bytes | Path]": ...
    def __getitem__(self, index: int | slice) -> "bytes | Path | list[bytes | Path]":
        """Return the encoded image at ``index``, or its path where the row holds only that."""
        if isinstance(index, slice):
            return [self[position] for position in range(*index.indices(len(self)))]
        position = index + len(self) if index < 0 else index
        if not 0 <= position < len(self):
            raise IndexError(f"image {index} of {len(self)}")
        group = bisect_right(self._ends, position)
        rows = self._all[group] if self._hold_all else self._rows(group)
        cell = rows[position - self._ends[group] + len(rows)].as_py()
        return _image(cell, self._groups[group][0].parent)

    def __getstate__(self) -> dict[str, Any]:
        """Leave out what each process reads again for itself."""
        return {**{key: value for key, value in self.__dict__.items() if key != "_all"}, "_last": None}

    @cached_property
    def _all(self) -> list[Any]:
        return [self._read(group) for group in range(len(self._groups))]

    def _rows(self, group: int) -> Any:
        if self._last is None or self._last[0] != group:
            self._last = (group, self._read(group))
        return self._last[1]

    def _read(self, group: int) -> Any:
        path, index, _ = self._groups[group]
        column = pq.ParquetFile(path).read_row_group(index, columns=[self._column]).column(0)
        return pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)


def _image(cell: Any, folder: Path) -> bytes | Path:
    """Return the bytes of a cell, or the path it names; an empty cell is an empty image, which the reader reports."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, str):
        return folder / cell
    return cell if isinstance(cell, bytes) else b""
