r"""Find the files that a table's cells mean: paths as people and tools write them.

A cell may have a space before it, begin with ``file://``, hold backslashes, be relative to ``data/`` or ``images/``
beside the table or to the folder of its split, or lack the extension (an id). An address on a server is looked for by
its last name.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

import numpy as np

from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension
from imgclf.data.labels.split_words import split_in

_BESIDE = ("", "images", "data", "img", "imgs")


@dataclass(frozen=True, eq=False)
class Found:
    """What the cells mean.

    Attributes:
        paths: of the files; of what was written where there is no such file.
        files: names for a person, the cells as they are.
        missing: bool (N,), which are no files.
    """

    paths: list[Path]
    files: list[str]
    missing: np.ndarray


class ImagePaths:
    """Looks files up below a folder; each of its folders is listed once.

    Args:
        folder: what paths are relative to.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._listed: dict[str, dict[str, str]] = {}

    def find(self, cells: Sequence[str], splits: Sequence[str]) -> Found:
        """Return the files that cells of these splits mean."""
        texts = [os.path.join(self._folder, cell) for cell in cells]  # noqa: PTH118 - a million of them
        paths = list(map(Path, texts))
        files = [display_name(_below(cell, self._folder)) for cell in cells]
        missing = np.array([not os.path.isfile(text) for text in texts], bool)  # noqa: PTH113 - likewise
        for row in np.flatnonzero(missing).tolist():
            found = self._elsewhere(cells[row], splits[row])
            if found is not None:
                paths[row], missing[row] = found, False
        return Found(paths, files, missing)

    def _elsewhere(self, cell: str, split: str) -> Path | None:
        for text in dict.fromkeys(_spellings(cell)):
            for beside in (*_BESIDE, *self._folders_of(split)):
                path = self._folder / beside / text
                if _is_file(path):
                    return path
                if extension(text) not in IMAGE_EXTENSIONS:
                    name = self._by_stem(path.parent).get(path.name)
                    if name is not None:
                        return path.parent / name
        return None

    def _folders_of(self, split: str) -> list[str]:
        """Return the folders beside the table that say this split; all of splits for rows of no split of their own."""
        key = f"\0{split}"
        if key not in self._listed:
            names = [entry.name for entry in _entries(self._folder) if entry.is_dir()]
            self._listed[key] = {name: name for name in names if split_in(name) == split}
        return list(self._listed[key])

    def _by_stem(self, folder: Path) -> dict[str, str]:
        """Return name without extension -> name, of the images of a folder; without those that two images share."""
        key = str(folder)
        if key not in self._listed:
            stems: dict[str, str] = {}
            for entry in _entries(folder):
                stem, _, ending = entry.name.rpartition(".")
                if ending.lower() in IMAGE_EXTENSIONS:
                    stems[stem] = "" if stem in stems else entry.name
            self._listed[key] = {stem: name for stem, name in stems.items() if name}
        return self._listed[key]


def _spellings(cell: str) -> Iterable[str]:
    yield cell
    if cell.startswith("file:"):
        yield unquote(urlsplit(cell).path)
    if "?d=" in cell:  # Label Studio's local files
        yield unquote(cell.partition("?d=")[2])
    if "://" in cell or cell.startswith("/data/upload/"):
        yield unquote(urlsplit(cell).path).rpartition("/")[2]
    if "\\" in cell:
        yield cell.replace("\\", "/")
    if not cell.isascii():
        try:
            cell.encode()
        except UnicodeEncodeError:  # Bytes of an older Windows: the file may be named in UTF-8.
            yield cell.encode("utf-8", "surrogateescape").decode("cp1252", "replace")


def _below(cell: str, folder: Path) -> str | Path:
    if cell.startswith(os.sep) and (path := Path(cell)).is_relative_to(folder):
        return path.relative_to(folder)
    return cell


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return []


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # A name too long, or with a NUL in it.
        return False
