"""Open a path of the user's own: the folder or file tells what it is."""

from pathlib import Path

from imgclf.data.examples import Dataset
from imgclf.data.formats.folder import open_folder
from imgclf.data.formats.manifest import open_manifest
from imgclf.data.formats.parquet import has_shards, open_parquet
from imgclf.data.formats.tar_shards import has_tar_shards, open_tar_shards
from imgclf.data.images.names import display_name, is_hidden
from imgclf.errors import DataError
from imgclf.records import DatasetInfo

MANIFEST_NAMES = ("manifest.csv", "metadata.csv", "labels.csv", "manifest.parquet")


def open_path(path: Path, info: DatasetInfo | None = None) -> Dataset:
    """Open a folder of images, a folder of Parquet or tar shards, a tar shard, or a CSV or Parquet manifest.

    A folder with Parquet files, or with tar files and no images, is read as shards; one with a manifest of a usual name (``manifest.csv``,
    ``metadata.csv``, ``labels.csv``) and at most one folder beside it by that; any other as class folders.

    Raises:
        DataError: it is none of these, or what it is cannot be used.
    """
    if path.is_dir():
        return _open_folder(path, info)
    if not path.is_file():
        raise DataError(f"{display_name(path)} is neither a folder nor a regular file.")
    if find_manifest(path):
        return open_manifest(path, info)
    if path.suffix.lower() == ".tar":
        return open_tar_shards(str(path), info)
    raise DataError(
        f"{display_name(path)} is no dataset: expected a folder of images, a .csv or .parquet manifest, or a registered "
        f"name. An archive has to be unpacked first."
    )


def find_manifest(path: Path) -> Path | None:
    """Return ``path`` if it is a file of a manifest's kind, or the manifest of a usual name in that folder."""
    if path.is_file():
        return path if path.suffix.lower() in (".csv", ".tsv", ".parquet") else None
    return next((path / name for name in MANIFEST_NAMES if (path / name).is_file()), None)


def _open_folder(folder: Path, info: DatasetInfo | None) -> Dataset:
    manifest = find_manifest(folder)
    if manifest is not None and not _has_class_folders(folder):
        return open_manifest(manifest, info)
    if has_shards(folder):
        return open_parquet(folder, info)
    if has_tar_shards(folder):
        return open_tar_shards(str(folder), info)
    return open_folder(folder, info)


def _has_class_folders(folder: Path) -> bool:
    """Say whether images lie in two or more folders; one folder is what a manifest's paths point into."""
    return sum(entry.is_dir() and not is_hidden(entry.name) for entry in folder.iterdir()) > 1
