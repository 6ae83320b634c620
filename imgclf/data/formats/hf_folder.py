"""Hugging Face's imagefolder: class folders, or ``metadata.csv`` or ``metadata.jsonl`` at the root or in each split.

    photos/train/metadata.jsonl  photos/train/0001.png  photos/test/metadata.jsonl  ...

Where the metadata has no label column, the folders are the labels, as in the library itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, final

from imgclf.data.formats.folder import read_class_folders
from imgclf.data.images.names import display_name
from imgclf.data.labels.columns import LABEL
from imgclf.data.labels.csv_table import read_csv_file
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import read_json_lines, records_table
from imgclf.data.labels.split_words import split_in
from imgclf.data.labels.table import read_table

_NAMES = ("metadata.csv", "metadata.jsonl")
_HINT = "Metadata has one row per image, with file_name and label, of at least two classes."


@final
class HuggingFaceFolder:
    """A folder with metadata.csv or metadata.jsonl beside the images."""

    name = "hf_folder"
    summary = "Hugging Face's imagefolder with metadata.csv or metadata.jsonl"
    made_with = "its documented form"
    reads = "file_name and a label column, at the root or in each split's folder; the folders where there is no label."
    leaves_out = "Other columns."
    rank = 20

    def recognises(self, path: Path) -> bool:
        """Say whether metadata lies in the folder or right below."""
        return path.is_dir() and bool(_files(path))

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the rows of all metadata files."""
        records = [_placed(record, file, path) for file in _files(path) for record in _records(file)]
        names = {key.strip().lower() for record in records for key in record}
        if not wishes.label_column and not names & set(LABEL):
            return read_class_folders(path, wishes)
        return read_table(records_table(records, path, display_name(path)), self.name, wishes, _HINT)


def _files(folder: Path) -> list[Path]:
    places = [folder, *sorted(entry for entry in folder.iterdir() if entry.is_dir() and split_in(entry.name))]
    return [place / name for place in places for name in _NAMES if (place / name).is_file()]


def _records(file: Path) -> list[dict[str, Any]]:
    if file.suffix == ".jsonl":
        return read_json_lines(file)
    table = read_csv_file(file)
    return [dict(zip(table.names, row, strict=False)) for row in table.rows]


def _placed(record: Mapping[str, Any], file: Path, root: Path) -> dict[str, Any]:
    """Return the record with its path from the root, and the split that its folder says."""
    below = file.parent.relative_to(root).as_posix()
    placed = dict(record)
    if "file_name" in placed and below != ".":
        placed["file_name"] = f"{below}/{placed['file_name']}"
    first = str(placed.get("file_name", "")).partition("/")[0]
    if "split" not in placed and (split := split_in(first)):
        placed["split"] = split
    return placed
