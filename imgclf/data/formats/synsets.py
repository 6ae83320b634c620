"""Lists beside ``synsets.txt``: ImageNet's devkit form as datumaro's imagenet_txt writes it.

synsets.txt       a class on each line
train.txt         a path and the number of its class on each line; a path with spaces is in quotes
images/           the images
"""

import shlex
from pathlib import Path
from typing import Any, final

from imgclf.data.images.names import display_name
from imgclf.data.labels.reading import Reading, Wishes
from imgclf.data.labels.records_table import records_table
from imgclf.data.labels.split_words import split_in
from imgclf.data.labels.table import read_table
from imgclf.errors import DataError

_HINT = "Each line of a list has a path and the number of its class in synsets.txt."


@final
class Synsets:
    """A folder with ``synsets.txt`` and a list for each split."""

    name = "imagenet_txt"
    summary = "Lists of paths and class numbers beside synsets.txt"
    made_with = "datumaro's documented imagenet_txt"
    reads = "Every .txt beside synsets.txt whose name says a split; paths in quotes."
    leaves_out = "Lines without a number are counted, those with several refused."
    rank = 30

    def recognises(self, path: Path) -> bool:
        """Say whether ``synsets.txt`` lies there with a list."""
        return path.is_dir() and (path / "synsets.txt").is_file() and bool(_lists(path))

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the lines of all lists."""
        names = [
            line.strip()
            for line in (path / "synsets.txt").read_text(encoding="utf-8").splitlines()
            if line.strip()
        ]
        records = [record for file in _lists(path) for record in _records(file, names)]
        return read_table(records_table(records, path, display_name(path)), self.name, wishes, _HINT)


def _lists(folder: Path) -> list[Path]:
    return [
        file for file in sorted(folder.glob("*.txt")) if file.name != "synsets.txt" and split_in(file.stem)
    ]


def _records(file: Path, names: list[str]) -> list[dict[str, Any]]:
    records = []
    for number, line in enumerate(file.read_text(encoding="utf-8").splitlines(), start=1):
        if line.strip():
            try:
                path, *labels = shlex.split(line)
                named = [names[int(label)] for label in labels]
            except (ValueError, IndexError):
                raise DataError(
                    f"{display_name(file)}, line {number}: expected a path and the number of one of the {len(names)} classes "
                    f"of synsets.txt, got '{display_name(line[:60])}'."
                ) from None
            records.append({"path": path, "label": named, "split": split_in(file.stem)})
    return records
