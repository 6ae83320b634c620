"""Open a path of the user's own: the formats are asked in turn, and the first that recognises it reads it."""

from pathlib import Path

from imgclf.data.examples import Dataset
from imgclf.data.images.names import display_name
from imgclf.data.label_format import LabelFormat, label_formats
from imgclf.data.labels.reading import Wishes
from imgclf.data.labels.rows import dataset_of
from imgclf.errors import DataError
from imgclf.records import DatasetInfo


def open_path(path: Path, wishes: Wishes = Wishes()) -> Dataset:  # noqa: B008 - frozen
    """Open a folder or file by the first format that recognises it.

    Raises:
        DataError: none does, or what it is cannot be used.
    """
    if not path.is_dir() and not path.is_file():
        raise DataError(f"{display_name(path)} is neither a folder nor a regular file.")
    for one in label_formats():
        if one.recognises(path):
            return open_with(one, path, wishes)
    raise DataError(
        f"{display_name(path)} is no dataset: expected a folder of images, a .csv or .parquet manifest, or a registered "
        f"name. An archive has to be unpacked first."
    )


def open_with(format_: LabelFormat, path: Path, wishes: Wishes = Wishes()) -> Dataset:  # noqa: B008 - frozen
    """Open a path by this format.

    Raises:
        DataError: it is not of this format, or cannot be used.
    """
    if not path.exists() or not format_.recognises(path):
        raise DataError(
            f"'{format_.name}' finds nothing to read at {display_name(path)}. Give a path: --data {format_.name}:PATH."
        )
    stem = path.resolve().name if path.is_dir() else path.stem
    info = DatasetInfo(
        name=display_name(stem) or "folder", summary=f"{format_.summary}: {display_name(path)}"
    )
    return dataset_of(
        format_.read(path, wishes), display_name(path), info, groups_by_name=wishes.group_column != ""
    )
