"""List the image files below a folder without opening them."""

import os
import stat
from collections import Counter
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
    _scan_into(scan, folder, frozenset())
    scan.images.sort()
    return scan


def _scan_into(scan: Scan, folder: str, ancestors: frozenset[tuple[int, int]]) -> None:
    status = Path(folder).stat()
    identity = (status.st_dev, status.st_ino)
    if identity in ancestors:
        scan.unreadable.append(
            UnreadableImage(display_name(folder), "is a link back to a folder that contains it")
        )
        return
    try:
        with os.scandir(folder) as entries:
            found = [entry for entry in entries if not is_hidden(entry.name)]
    except OSError as error:
        scan.unreadable.append(UnreadableImage(display_name(folder), f"cannot be listed ({error.strerror})"))
        return
    below = ancestors | {identity}
    for entry in sorted(found, key=lambda entry: entry.name):
        _sort_in(scan, entry, below)


def _sort_in(scan: Scan, entry: os.DirEntry[str], ancestors: frozenset[tuple[int, int]]) -> None:
    ending = extension(entry.name)
    kind = _kind(entry)
    if kind == "file":
        if ending in IMAGE_EXTENSIONS or (ending not in OTHER_EXTENSIONS and looks_like_image(entry.path)):
            scan.images.append(entry.path)
        else:
            scan.ignored[ending] += 1
    elif kind == "folder":
        if ending in IMAGE_EXTENSIONS:
            scan.unreadable.append(UnreadableImage(display_name(entry.path), "is a folder, not an image"))
        _scan_into(scan, entry.path, ancestors)
    elif ending in IMAGE_EXTENSIONS:
        scan.unreadable.append(UnreadableImage(display_name(entry.path), kind))


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
