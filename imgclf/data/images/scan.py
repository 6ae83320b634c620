"""List the image files below a folder without opening them."""

import os
import stat
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from imgclf.data.images.names import (
    IMAGE_EXTENSIONS,
    OTHER_EXTENSIONS,
    display_name,
    extension,
    is_hidden,
    looks_like_image,
)
from imgclf.records import UnreadableImage


@dataclass
class Scan:
    """What lies below a folder.

    Attributes:
        images: paths of image files, sorted by code point.
        unreadable: what has an image's name but can hold none: a folder, a pipe, a link to nothing.
        ignored: count of other files by extension (``"json"``; an empty string for none).
    """

    images: list[str] = field(default_factory=list)
    unreadable: list[UnreadableImage] = field(default_factory=list)
    ignored: Counter[str] = field(default_factory=Counter)


def scan_images(folder: str) -> Scan:
    """Find the image files below ``folder``, at any depth, links followed once.

    A file counts as an image by its extension, in any case; a file with a strange extension or none
    (``photo``, ``photo.jpg?v=1``) counts if its first bytes are those of an image. Hidden files and folders and
    what operating systems leave behind are passed over. Nothing but such strange files is opened.
    """
    scan = Scan()
    scan.images = list(walk_images(folder, scan))
    scan.unreadable.sort(key=lambda unreadable: unreadable.file)
    return scan


def walk_images(
    folder: str, scan: Scan, ancestors: frozenset[tuple[int, int]] = frozenset()
) -> Iterator[str]:
    """Yield what :func:`scan_images` finds, in the same order, one folder's names in memory at a time.

    Args:
        folder: the folder.
        scan: is told of everything but the images.
        ancestors: the folders that this one lies in, to notice a link back to one of them.
    """
    try:
        status = Path(folder).stat()
        identity = (status.st_dev, status.st_ino)
        if identity in ancestors:
            reason = "is a link back to a folder that contains it"
            scan.unreadable.append(UnreadableImage(display_name(folder), reason))
            return
        names = _names(folder, scan)
    except OSError as error:
        scan.unreadable.append(UnreadableImage(display_name(folder), f"cannot be listed ({error.strerror})"))
        return
    for name in names:
        path = os.path.join(folder, name)  # noqa: PTH118 - Path drops the ./ that a person may have typed
        if name.endswith(os.sep):
            yield from walk_images(path.removesuffix(os.sep), scan, ancestors | {identity})
        elif _is_image(path, scan):
            yield path


def _names(folder: str, scan: Scan) -> list[str]:
    """Return the names of a folder's files and folders, a separator after those of folders.

    It makes the order of names that of whole paths: ``a-b.png`` before ``a/b.png``, as its hyphen is before the slash.
    """
    names = []
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            kind = _kind(entry)
            if kind in ("file", "folder"):
                names.append(entry.name if kind == "file" else entry.name + os.sep)
            if kind != "file" and extension(entry.name) in IMAGE_EXTENSIONS:
                reason = "is a folder, not an image" if kind == "folder" else kind
                scan.unreadable.append(UnreadableImage(display_name(entry.path), reason))
    names.sort()
    return names


def _is_image(path: str, scan: Scan) -> bool:
    ending = extension(os.path.basename(path))  # noqa: PTH119 - a million paths
    if ending in IMAGE_EXTENSIONS or (ending not in OTHER_EXTENSIONS and looks_like_image(path)):
        return True
    scan.ignored[ending] += 1
    return False


def _kind(entry: os.DirEntry[str]) -> str:
    """Return "file", "folder", or for anything else what is wrong with it, as the rest of a sentence."""
    try:
        if entry.is_file():
            return "file"
        if entry.is_dir():
            return "folder"
        return "is a pipe, not an image" if stat.S_ISFIFO(entry.stat().st_mode) else "is not a regular file"
    except OSError:  # FileNotFoundError for a dangling link, ELOOP for one that points at itself.
        return "is a link that leads nowhere"
