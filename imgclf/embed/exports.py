"""Embeddings as other tools read them: CSV, Parquet, and the folder of TensorBoard's projector."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as pa_csv
import pyarrow.parquet as pq

from imgclf.atomic import write_atomically, write_text
from imgclf.embed.extraction import Extraction
from imgclf.embed.sprite import cut_out
from imgclf.tables import write_csv

_IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})
_COLUMNS = ("file", "label", "prediction", "confidence")
_PROJECTOR_CONFIG = """\
embeddings {{
  tensor_name: "imgclf"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
  sprite {{
    image_path: "sprite.jpg"
    single_image_dim: {width}
    single_image_dim: {height}
  }}
}}
"""


def write_index(path: Path, extraction: Extraction, class_names: Sequence[str]) -> Path:
    """Write file, label, prediction and confidence of each row of the embeddings."""
    write_csv(path, _COLUMNS, _rows(extraction, class_names))
    return path


def write_parquet(
    path: Path, extraction: Extraction, class_names: Sequence[str], maps: Mapping[str, np.ndarray]
) -> Path:
    """Write the same columns with the embedding as a list, the places on each map and a small JPEG.

    Tools that show maps (Embedding Atlas, Spotlight) find ``x`` and ``y`` of the first map, those of each by its name
    (``tsne_x``), and the pictures in the layout of Hugging Face's datasets.

    Args:
        path: the file.
        extraction: the features, with what belongs to them.
        class_names: in order.
        maps: method -> float (N, 2 or 3), the first one first.
    """
    columns: dict[str, Any] = {
        name: list(values)
        for name, values in zip(_COLUMNS, zip(*_rows(extraction, class_names), strict=True), strict=True)
    }
    flat = pa.array(extraction.embeddings.ravel())
    columns["embedding"] = pa.FixedSizeListArray.from_arrays(flat, extraction.embeddings.shape[1])
    for prefix, points in [("", next(iter(maps.values()))), *((f"{name}_", at) for name, at in maps.items())]:
        columns.update({f"{prefix}{axis}": values for axis, values in zip("xyz", points.T, strict=False)})
    pictures = cut_out(extraction.sprite, range(len(extraction.embeddings)), "JPEG")
    columns["image"] = pa.array([{"bytes": picture, "path": None} for picture in pictures], _IMAGE)
    table = pa.table(columns)
    write_atomically(path, lambda file: pq.write_table(table, file))
    return path


def write_projection(path: Path, files: Sequence[str], points: np.ndarray) -> Path:
    """Write file and coordinates of each point."""
    names = ("file", "x", "y", "z")[: 1 + points.shape[1]]
    rows = ((file, *map(str, point)) for file, point in zip(files, points.round(5), strict=True))
    write_csv(path, names, rows)
    return path


def read_projection(path: Path, files: Sequence[str]) -> np.ndarray:
    """Read points, float32 (N, 2 or 3), in the order of ``files``.

    Raises:
        KeyError: a file of ``files`` is not among them.
        ValueError: the table is no such table.
        OSError: it cannot be read.
    """
    with path.open(newline="", encoding="utf-8") as file:
        rows = csv.reader(file)
        next(rows, None)
        points = {row[0]: row[1:] for row in rows}
    return np.array([points[file] for file in files], dtype=np.float32)


def write_projector(folder: Path, extraction: Extraction, class_names: Sequence[str]) -> list[Path]:
    """Write what TensorBoard's projector opens: ``tensorboard --logdir FOLDER``, or projector.tensorflow.org."""
    largest = float(np.abs(extraction.embeddings).max())
    # Five digits of the largest; Arrow writes in a second what numpy.savetxt takes half a minute for.
    rounded = extraction.embeddings.round(4 - int(np.floor(np.log10(largest or 1.0))))
    vectors = pa.table({str(column): values for column, values in enumerate(rounded.T)})
    style = pa_csv.WriteOptions(include_header=False, delimiter="\t")
    write_atomically(folder / "vectors.tsv", lambda file: pa_csv.write_csv(vectors, file, style))
    write_csv(folder / "metadata.tsv", _COLUMNS, _rows(extraction, class_names), "\t")
    write_atomically(folder / "sprite.jpg", lambda file: file.write(extraction.sprite.jpeg))
    height, width = extraction.sprite.size
    write_text(folder / "projector_config.pbtxt", _PROJECTOR_CONFIG.format(width=width, height=height))
    return [folder / "vectors.tsv", folder / "metadata.tsv"]


def _rows(extraction: Extraction, class_names: Sequence[str]) -> Iterator[tuple[Any, ...]]:
    examples, predictions, confidences = extraction.examples, extraction.predictions, extraction.confidences
    for at, (file, label) in enumerate(zip(examples.files, examples.labels, strict=True)):
        prediction = None if predictions is None else class_names[predictions[at]]
        confidence = None if confidences is None else round(float(confidences[at]), 6)
        yield file, class_names[label], prediction, confidence
