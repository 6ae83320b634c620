"""A manifest: one CSV or Parquet file that names images and their labels.

    path,label,split,patient
    scans/0001.png,benign,train,p17
    scans/0002.png,malignant,test,p18

Columns by name, in any case and order (see :mod:`imgclf.data.labels.columns`): an image column (``path``, ``file``,
``image``, ``filename``, ...), a label column (``label``, ``class``, ``target``, ``category``, ...) or a column of 0 and 1
for each class, and where wanted a ``split`` column (train, val or test; without it everything is `train`) and a
``group`` column (``group``, ``patient``, ``subject``, ...: rows of one group stay in one split). Paths are relative to
the manifest. CSV is UTF-8 or UTF-16, separated by commas, semicolons or tabs. Labels are names or whole numbers. In
Parquet the image column may hold encoded images.
"""

import os
from pathlib import Path
from typing import final

from imgclf.data.formats.parquet import parquet_table
from imgclf.data.images.names import display_name, is_hidden
from imgclf.data.labels.csv_table import CsvFile, csv_table, read_csv_file
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.split_words import SPLIT_WORDS, split_in
from imgclf.data.labels.table import read_table

_NAMES = ("manifest.csv", "metadata.csv", "labels.csv", "annotations.csv", "manifest.parquet", "train.csv")
_HINT = "A manifest has one row per image, with a path and a label, of at least two classes."


@final
class Manifest:
    """A CSV or Parquet file with a path and a label per image."""

    name = "manifest"
    summary = "A CSV or Parquet file with a path and a label per image"
    made_with = "Python's csv, pyarrow; the documented forms of Excel and Kaggle"
    reads = (
        "A file, or a folder with manifest.csv, metadata.csv, labels.csv, annotations.csv, manifest.parquet or train.csv "
        "and no class folders. UTF-8, UTF-16 or cp1252; commas, semicolons or tabs; with or without a heading."
    )
    leaves_out = "Several labels an image."
    rank = 50

    def recognises(self, path: Path) -> bool:
        """Say whether it is a table, or a folder with one of a usual name and no class folders beside it."""
        if path.is_file():
            return path.suffix.lower() in (".csv", ".tsv", ".parquet")
        return find_manifest(path) is not None and not _has_class_folders(path)

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return its rows."""
        file = find_manifest(path) or path
        where = display_name(file)
        if file.suffix.lower() == ".parquet":
            return read_table(parquet_table({file: "train"}, file.parent, where), self.name, wishes, _HINT)
        first = read_csv_file(file)
        others, warnings = _siblings(first) if file.name.lower() == "train.csv" else ([], ())
        table, wishes = csv_table([first, *others], file.parent, where, wishes)
        reading = read_table(table, self.name, wishes, _HINT)
        return reading if not warnings else reading.warned(*warnings)


def find_manifest(path: Path) -> Path | None:
    """Return ``path`` if it is a file of a manifest's kind, or the manifest of a usual name in that folder."""
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".tsv", ".parquet") else None
    return next((path / name for name in _NAMES if (path / name).is_file()), None)


def _siblings(first: CsvFile) -> tuple[list[CsvFile], tuple[str, ...]]:
    """Return val.csv and test.csv beside train.csv, if they have its columns; else a sentence on each."""
    found, warnings = [], []
    for path in sorted(first.path.parent.glob("*.csv")):
        if path == first.path or path.stem.lower() not in SPLIT_WORDS:
            continue
        other = read_csv_file(path)
        if other.names == first.names:
            found.append(other)
        else:
            warnings.append(f"{display_name(path)} has other columns than train.csv and is not used.")
    return found, tuple(warnings)


def _has_class_folders(folder: Path) -> bool:
    """Say whether two or more folders beside a manifest look as if they were classes, or hold classes."""
    folders = [entry for entry in os.scandir(folder) if entry.is_dir() and not is_hidden(entry.name)]
    splits = [entry for entry in folders if split_in(entry.name)]
    if len(splits) == len(folders):
        return any(
            entry.is_dir() and not is_hidden(entry.name)
            for split in splits
            for entry in os.scandir(split.path)
        )
    return len(folders) > 1
