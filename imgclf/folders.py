"""Folders that a command makes, and file names that every file system takes."""

from datetime import datetime
from pathlib import Path

from imgclf.errors import RunError


def safe_name(name: str) -> str:
    """Return a name with letters, digits, dot, dash and underscore only; every other character becomes a dash.

    >>> safe_name("hf:owner/cats & dogs")
    'hf-owner-cats---dogs'
    """
    return "".join(letter if letter.isalnum() or letter in "-_." else "-" for letter in name)


def last_part(name: str) -> str:
    """Return the last part of a dataset's name, which may be a path or ``hf:OWNER/NAME``, as a safe name.

    >>> last_part("photos/flowers/"), last_part("hf:owner/cats"), last_part("/")
    ('flowers', 'cats', 'data')
    """
    return safe_name(name.rstrip("/\\").replace("\\", "/").rsplit("/", 1)[-1]) or "data"


def dated(*parts: str) -> str:
    """Return the present second and these parts as one name: ``2026-11-28-091500-resnet18-photos``."""
    return "-".join([f"{datetime.now():%Y-%m-%d-%H%M%S}", *parts])


def new_folder(path: Path) -> Path:
    """Return this path, or the first of ``path-2``, ``path-3``, ... where it exists already; nothing is made."""
    folder, number = path, 2
    while folder.exists():
        folder, number = path.with_name(f"{path.name}-{number}"), number + 1
    return folder


def make_folder(folder: Path) -> None:
    """Make a folder and those above it; it may be there already.

    Raises:
        RunError: the file system refuses.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunError(
            f"{folder}: the folder could not be made ({error.strerror or error}). Choose another place with --out."
        ) from error
