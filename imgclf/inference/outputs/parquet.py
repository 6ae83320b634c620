"""Parquet: a file cannot grow, so rows are kept in parts beside it and joined when all are there."""

import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, final

import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.atomic import write_atomically
from imgclf.errors import RunError, UsageError
from imgclf.inference.outputs.earlier import Earlier
from imgclf.inference.outputs.layout import Layout
from imgclf.inference.outputs.parts import parts_folder
from imgclf.records import Prediction
from imgclf.words import first_line

ROWS_PER_PART = 10_000


@final
class ParquetOutput:
    """A file of predictions with its parts in ``<file>.parts/`` until it is finished.

    Args:
        path: the file.
        layout: what a row holds.
        resume: keep what is there (the finished file, parts of an interrupted call) and go on after it.
        rows_per_part: rows held in memory before they are written.

    Raises:
        UsageError: what is there does not fit.
    """

    def __init__(self, path: Path, layout: Layout, resume: bool, rows_per_part: int = ROWS_PER_PART) -> None:
        self._path = path
        self._layout = layout
        self._rows_per_part = rows_per_part
        self._schema = pa.schema([(name, _TYPES[kind]) for name, kind in layout.columns.items()])
        self._parts = parts_folder(path)
        self._waiting: list[dict[str, Any]] = []
        self.earlier = Earlier(path, layout.model)
        if resume:
            self._read_earlier()
        else:
            shutil.rmtree(self._parts, ignore_errors=True)
        self._next_part = 1 + max((int(part.stem.split("-")[1]) for part in self._part_files()), default=-1)

    def write(self, predictions: Sequence[Prediction]) -> None:
        """Take rows; every ``rows_per_part`` become a part on the disk."""
        self._waiting += [self._layout.cells(prediction) for prediction in predictions]
        if len(self._waiting) >= self._rows_per_part:
            self._write_part()

    def close(self, finished: bool) -> None:
        """Join the parts into the file, or, unfinished, leave them for a later call to go on from."""
        if self._waiting:
            self._write_part()
        if finished:
            write_atomically(self._path, self._join)
            shutil.rmtree(self._parts, ignore_errors=True)

    def _write_part(self) -> None:
        table = pa.Table.from_pylist(self._waiting, schema=self._schema)
        part = self._parts / f"part-{self._next_part:06d}.parquet"
        write_atomically(part, lambda file: pq.write_table(table, file))
        self._next_part += 1
        self._waiting = []

    def _join(self, file: IO[bytes]) -> None:
        with pq.ParquetWriter(file, self._schema) as writer:
            if len(self.earlier) and self._path.exists():
                _copy(self._path, writer)
            for part in self._part_files():
                _copy(part, writer)

    def _part_files(self) -> list[Path]:
        return sorted(self._parts.glob("part-*.parquet"))

    def _read_earlier(self) -> None:
        if self._path.exists():
            for row in self._rows(self._path):
                self.earlier.add(row)
        for part in self._part_files():
            rows = list(self._rows(part))
            if (
                rows and rows[0]["file"] in self.earlier
            ):  # Joined already, by a call that was killed after that.
                part.unlink()
                continue
            for row in rows:
                self.earlier.add(row)

    def _rows(self, file: Path) -> Iterator[dict[str, Any]]:
        try:
            opened = pq.ParquetFile(file)
        except (OSError, pa.ArrowInvalid) as error:
            raise RunError(
                f"{file}: not a readable Parquet file ({first_line(error)}). Start anew with --overwrite."
            ) from None
        with opened:
            if opened.schema_arrow.names != self._schema.names:
                raise UsageError(
                    f"{file}: has other columns ({len(opened.schema_arrow.names)}) than this call would write "
                    f"({len(self._schema.names)}). Use the same --top-k and --probabilities, or --overwrite."
                )
            for batch in opened.iter_batches(columns=["file", "error", "model"]):
                yield from batch.to_pylist()


_TYPES = {str: pa.string(), float: pa.float32()}


def _copy(file: Path, writer: Any) -> None:
    with pq.ParquetFile(file) as opened:
        for batch in opened.iter_batches():
            writer.write_batch(batch)
