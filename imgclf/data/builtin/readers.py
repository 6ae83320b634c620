"""The names ``image_folder``, ``manifest`` and ``parquet``: how a folder or file of the user's own is read.

`--data PATH` finds out by itself; a name settles it where both would fit (``--data image_folder:PATH``). Without
a path the data directory is read.
"""

from collections.abc import Callable
from pathlib import Path

from imgclf.data.examples import Dataset
from imgclf.data.formats.folder import open_folder
from imgclf.data.formats.manifest import open_manifest
from imgclf.data.formats.parquet import has_shards, open_parquet
from imgclf.data.formats.paths import find_manifest
from imgclf.data.images.names import display_name
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress


class PathReader:
    """One way of reading a path.

    Args:
        info: what is known of it.
        find: returns what to open at a path, or None where there is nothing of the kind.
        read: opens it.
    """

    def __init__(
        self, info: DatasetInfo, find: Callable[[Path], Path | None], read: Callable[[Path], Dataset]
    ) -> None:
        self.info, self._find, self._read = info, find, read

    def is_on_disk(self, root: Path) -> bool:
        """Say whether the data directory itself is such a folder or file."""
        return self._find(root) is not None

    def open(self, root: Path, *, download: bool = True, progress: OnProgress = None) -> Dataset:
        """Open the path; nothing is ever downloaded."""
        found = self._find(root)
        if found is None:
            raise DataError(
                f"'{self.info.name}' finds nothing to read at {display_name(root)}. Give a path: "
                f"--data {self.info.name}:PATH."
            )
        return self._read(found)


def _class_folders(path: Path) -> Path | None:
    return path if path.is_dir() and any(entry.is_dir() for entry in path.iterdir()) else None


def _shards(path: Path) -> Path | None:
    return path if path.is_dir() and has_shards(path) else None


image_folder = PathReader(
    DatasetInfo(
        name="image_folder", summary="A folder with one folder of images per class", licence="your files"
    ),
    find=_class_folders,
    read=open_folder,
)
manifest = PathReader(
    DatasetInfo(
        name="manifest",
        summary="A CSV or Parquet file with a path and a label per image",
        licence="your files",
    ),
    find=find_manifest,
    read=open_manifest,
)
parquet = PathReader(
    DatasetInfo(name="parquet", summary="Parquet shards in Hugging Face's layout", licence="your files"),
    find=_shards,
    read=open_parquet,
)
