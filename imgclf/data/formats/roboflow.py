"""Roboflow's multi-class CSV: ``_classes.csv`` in the folder of each split, with a column of 0 and 1 for each class.

train/_classes.csv  train/a_jpg.rf.0123.jpg  valid/_classes.csv  ...
"""

from pathlib import Path
from typing import final

from imgclf.data.images.names import display_name
from imgclf.data.labels.csv_table import csv_table, read_csv_file
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.table import read_table

_NAME = "_classes.csv"


@final
class Roboflow:
    """Folders with ``_classes.csv``."""

    name = "roboflow"
    summary = "Roboflow's folders with _classes.csv, one column of 0 and 1 for each class"
    made_with = "its documented form"
    reads = "train, valid and test; exactly one 1 in a row is its label."
    leaves_out = "Rows with several classes are refused."
    rank = 10

    def recognises(self, path: Path) -> bool:
        """Say whether a ``_classes.csv`` lies in the folder or right below."""
        return path.is_dir() and bool(_files(path))

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the rows of all splits."""
        where = display_name(path)
        table, wishes = csv_table([read_csv_file(file) for file in _files(path)], path, where, wishes)
        return read_table(table, self.name, wishes, "Each row has one 1, in the column of its class.")


def _files(folder: Path) -> list[Path]:
    return [file for file in (folder / _NAME, *sorted(folder.glob(f"*/{_NAME}"))) if file.is_file()]
