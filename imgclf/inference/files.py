"""The arguments of a person (files, folders, patterns, a list on stdin) as a stream of images to predict."""

import glob
import os
from collections.abc import Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import TypeAlias

from imgclf.data import Scan, display_name, walk_images
from imgclf.errors import UsageError
from imgclf.records import UnreadableImage

Found: TypeAlias = str | UnreadableImage

_CHUNK = 1 << 16


def find_images(arguments: Iterable[str]) -> Iterator[Found]:
    """Yield the images that command-line arguments mean.

    A folder means every image below it, sorted (one without images is told as unreadable), as the names of one
    folder after another are read; a pattern (``photos/*.jpg``, ``**`` for any depth) what it matches, unless a
    file of that very name exists; anything else is one file, there or not.

    Raises:
        UsageError: a pattern matches nothing.
    """
    for argument in arguments:
        if os.path.lexists(argument) or not glob.has_magic(argument):
            yield from _in_place(argument)
            continue
        matches = sorted(glob.glob(argument, recursive=True))  # noqa: PTH207 - Path.glob takes no absolute pattern
        if not matches:
            raise UsageError(f"No file matches the pattern '{argument}'.")
        for match in matches:
            yield from _in_place(match)


def listed_images(stream: BufferedReader) -> Iterator[Found]:
    """Yield the images of a list: a path a line, or separated by NUL bytes as ``find -print0`` writes them.

    A name is bytes: it need not be UTF-8. Folders are searched, patterns are not expanded.
    """
    for name in _names(stream):
        if name:
            yield from _in_place(os.fsdecode(name))


def _in_place(path: str) -> Iterator[Found]:
    if not Path(path).is_dir():
        yield path
        return
    scan = Scan()
    count = 0
    for count, image in enumerate(walk_images(path, scan), start=1):  # noqa: B007 - whether there was any
        yield image
    if not count and not scan.unreadable:
        yield UnreadableImage(display_name(path), "is a folder without image files")
    yield from sorted(scan.unreadable, key=lambda unreadable: unreadable.file)


def _names(stream: BufferedReader) -> Iterator[bytes]:
    """Split by NUL where the first piece of the stream has one, else by lines; a name may be cut by a piece's end."""
    chunk = stream.read1(_CHUNK)
    separator = b"\0" if b"\0" in chunk else b"\n"
    rest = b""
    while chunk:
        *whole, rest = (rest + chunk).split(separator)
        yield from (_without_line_end(name, separator) for name in whole)
        chunk = stream.read1(_CHUNK)
    yield _without_line_end(rest, separator)


def _without_line_end(name: bytes, separator: bytes) -> bytes:
    return name.removesuffix(b"\r") if separator == b"\n" else name
