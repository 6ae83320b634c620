"""Encoded images in Parquet files, as a sequence: held in memory, or read row group by row group."""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from typing import Any, final, overload

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.data.stored_images import Blocks, Storage, StoredImages

IN_MEMORY_BYTES = 2 * 1024**3
"""Shards up to this size together are held in memory as encoded images."""

_KEPT_BYTES = 512 * 1024**2  # of row groups in each process, where not all are held in memory


@final
class ParquetImages(StoredImages):
    """N encoded images of one column of Parquet files, in the order of the files' rows.

    The column is binary, a string (a path relative to its file) or Hugging Face's struct of ``bytes`` and
    ``path``. A set that is not held in memory is read in row groups, of which the last few are kept: training shuffles
    the groups, and the images of a few groups among each other. It can be pickled, so that worker processes may share
    it.

    Args:
        files: the Parquet files.
        column: name of the image column.
    """

    def __init__(self, files: Sequence[Path], column: str) -> None:
        self._files = tuple(files)
        self._column = column
        opened = [(path, pq.ParquetFile(path).metadata) for path in files]
        self._groups = [
            (path, group, file.row_group(group).num_rows, file.row_group(group).total_byte_size)
            for path, file in opened
            for group in range(file.num_row_groups)
        ]
        self._ends = list(accumulate(rows for _, _, rows, _ in self._groups))
        self._nbytes: int = sum(size for *_, size in self._groups)
        self._hold_all = sum(path.stat().st_size for path in files) <= IN_MEMORY_BYTES

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
        return {key: value for key, value in self.__dict__.items() if key not in ("_all", "_rows")}

    @property
    def storage(self) -> Storage:
        """Their blocks are the row groups, where these are not all held in memory."""
        stamps = ((path.absolute(), path.stat()) for path in self._files)
        lines = (f"{path} {status.st_size} {status.st_mtime_ns}" for path, status in stamps)
        blocks = np.repeat(np.arange(len(self._groups)), [rows for _, _, rows, _ in self._groups])
        return Storage(
            nbytes=self._nbytes,
            identity="\n".join([self._column, *lines]),
            blocks=None if self._hold_all else Blocks(blocks, self._together),
        )

    @property
    def all_encoded(self) -> bool:
        """Whether no row lacks its bytes, as far as the files' statistics tell."""
        return not any(
            column.statistics is not None and column.statistics.null_count
            for metadata in map(pq.read_metadata, self._files)
            for group in range(metadata.num_row_groups)
            for column in map(metadata.row_group(group).column, range(metadata.num_columns))
            if column.path_in_schema in (self._column, f"{self._column}.bytes")
        )

    @property
    def _together(self) -> int:
        """How many row groups are kept: those that fit, and two at least."""
        return max(2, _KEPT_BYTES * len(self._groups) // max(1, self._nbytes))

    @cached_property
    def _all(self) -> list[Any]:
        return [self._read(group) for group in range(len(self._groups))]

    @cached_property
    def _rows(self) -> Callable[[int], Any]:
        return lru_cache(maxsize=self._together)(self._read)

    def _read(self, group: int) -> Any:
        path, index, *_ = self._groups[group]
        column = pq.ParquetFile(path).read_row_group(index, columns=[self._column]).column(0)
        return pa.concat_arrays(column.chunks) if column.num_chunks != 1 else column.chunk(0)


def _image(cell: Any, folder: Path) -> bytes | Path:
    """Return the bytes of a cell, or the path it names; an empty cell is an empty image, which the reader reports."""
    if isinstance(cell, dict):
        cell = cell.get("bytes") or cell.get("path")
    if isinstance(cell, str):
        return folder / cell
    return cell if isinstance(cell, bytes) else b""
