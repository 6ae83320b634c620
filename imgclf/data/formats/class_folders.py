"""The images below the class folders of one split."""

import os
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from imgclf.data.formats.split_folders import subfolders
from imgclf.data.images.scan import scan_images
from imgclf.records import UnreadableImage

UNLABELLED = frozenset(["no_label", "no_labels", "_unlabeled", "_unlabelled", "unlabeled", "unlabelled"])
"""Folders in which datumaro and CVAT, FiftyOne and people put images that have no label."""


@dataclass
class ClassFolders:
    """What lies below one split.

    Attributes:
        images: class -> its images, sorted by code point.
        inner: class -> the folders right below it -> their images.
        unlabelled: folders of images without a label -> how many.
        ignored: files that are no images, by extension.
        unreadable: what has an image's name but can hold none.
    """

    images: dict[str, list[str]] = field(default_factory=dict)
    inner: dict[str, Counter[str]] = field(default_factory=dict)
    unlabelled: Counter[str] = field(default_factory=Counter)
    ignored: Counter[str] = field(default_factory=Counter)
    unreadable: list[UnreadableImage] = field(default_factory=list)


def scan_classes(folder: Path, depth: int) -> ClassFolders:
    """Find the images of each class.

    Args:
        folder: holds the class folders.
        depth: how many folders, one in the other, name a class; their names are joined by a slash.
    """
    found = ClassFolders()
    for name in subfolders(folder):
        scan = scan_images(str(folder / name))
        found.unreadable += scan.unreadable
        if name.lower() in UNLABELLED:
            found.unlabelled[name] += len(scan.images)
            continue
        found.ignored.update(scan.ignored)
        cut = len(str(folder / "x")) - 1
        right_below = len(str(folder / name / "x")) - 1
        flat = [path for path in scan.images if os.sep not in path[right_below:]]
        if len(flat) == len(scan.images):  # Nearly always, and a hundred thousand times over.
            found.images.setdefault(_composed(name), []).extend(flat)
            continue
        for path in scan.images:
            parts = path[cut:].split(os.sep)[:-1]  # noqa: PTH206 - a hundred thousand of them
            label = _composed("/".join(parts[:depth]))
            found.images.setdefault(label, []).append(path)
            if len(parts) > depth:
                found.inner.setdefault(label, Counter())[parts[depth]] += 1
    return found


def _composed(name: str) -> str:
    """Return a name in Unicode's composed form, so that macOS's and Linux's spelling of one name are one class."""
    return name if name.isascii() else unicodedata.normalize("NFC", name)
