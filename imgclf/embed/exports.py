"""Embeddings as other tools read them: CSV, Parquet, and the two files of TensorBoard's projector."""

import csv
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from imgclf.embed.extraction import Extraction
from imgclf.runs import write_atomically, write_text

_COLUMNS = ("file", "label", "prediction", "confidence")


def write_index(path: Path, extraction: Extraction, class_names: tuple[str, ...]) -> Path:
    """Write file, label, prediction and confidence of each row of the embeddings."""
    write_text(path, _table(_COLUMNS, _rows(extraction, class_names), ","))
    return path


def write_parquet(path: Path, extraction: Extraction, class_names: tuple[str, ...]) -> Path:
    """Write the same columns with the embedding as a list column."""
    columns: dict[str, Any] = {
        name: list(values)
        for name, values in zip(_COLUMNS, zip(*_rows(extraction, class_names), strict=True), strict=True)
    }
    flat = pa.array(extraction.embeddings.ravel())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, extraction.embeddings.shape[1])
    table = pa.table(columns)
    write_atomically(path, lambda file: pq.write_table(table, file))
    return path


def write_projection(path: Path, extraction: Extraction, points: np.ndarray) -> Path:
    """Write file and coordinates of each point."""
    names = ("file", "x", "y", "z")[: 1 + points.shape[1]]
    rows = (
        (file, *map(float, point))
        for file, point in zip(extraction.examples.files, points.round(5), strict=True)
    )
    write_text(path, _table(names, rows, ","))
    return path


def write_projector(folder: Path, extraction: Extraction, class_names: tuple[str, ...]) -> list[Path]:
    """Write ``vectors.tsv`` and ``metadata.tsv``, which projector.tensorflow.org and TensorBoard load."""
    vectors = io.BytesIO()
    np.savetxt(vectors, extraction.embeddings, fmt="%.5g", delimiter="\t")
    write_atomically(folder / "vectors.tsv", lambda file: file.write(vectors.getvalue()))
    write_text(folder / "metadata.tsv", _table(_COLUMNS, _rows(extraction, class_names), "\t"))
    return [folder / "vectors.tsv", folder / "metadata.tsv"]


def _rows(extraction: Extraction, class_names: tuple[str, ...]) -> Iterator[tuple[Any, ...]]:
    examples, predictions, confidences = extraction.examples, extraction.predictions, extraction.confidences
    for at, (file, label) in enumerate(zip(examples.files, examples.labels, strict=True)):
        prediction = None if predictions is None else class_names[predictions[at]]
        confidence = None if confidences is None else round(float(confidences[at]), 6)
        yield file, class_names[label], prediction, confidence


def _table(columns: tuple[str, ...], rows: Any, delimiter: str) -> str:
    text = io.StringIO()
    writer = csv.writer(text, delimiter=delimiter, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(rows)
    return text.getvalue()
