"""A folder of images, one folder per class: the layouts that work without a word.

    photos/train/cat/1.jpg  photos/val/...  photos/test/...     val may be called valid or validation
    intel/seg_train/forest/1.jpg  intel/seg_test/...            also seg_train/seg_train/..., as the archive unpacks
    photos/cat/1.jpg  photos/dog/2.png                          a single tree: everything is `train`

Class names are the names of the class folders, sorted by code point; images may lie deeper. A class that a
split lacks keeps every other index as it was. Nothing is opened, changed or written here.
"""

import os
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.data.leaks import same_file_warning
from imgclf.data.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.scan import Scan, scan_images
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage

SPLIT_FOLDERS = {
    "train": "train",
    "training": "train",
    "seg_train": "train",
    "val": "val",
    "valid": "val",
    "validation": "val",
    "test": "test",
    "testing": "test",
    "seg_test": "test",
}

_LAYOUT = "Expected FOLDER/CLASS/image.jpg, or FOLDER/train/CLASS/image.jpg with val and test beside train."


def open_folder(folder: Path, info: DatasetInfo | None = None) -> Dataset:
    """Open a folder of images.

    Args:
        folder: the folder; see the module for its layouts.
        info: what to say of the dataset; by default its name is the folder's.

    Raises:
        DataError: there is no such folder, it holds no images, fewer than two classes have images, or a class
            is missing from `train`.
    """
    splits = _split_folders(folder)
    scans = {split: _scan_classes(path) for split, path in splits.items()}
    counts = {split: {name: len(scan.images) for name, scan in scans[split].items()} for split in splits}
    class_names = _class_names(folder, counts)
    examples = {split: _examples(folder, scans[split], class_names) for split in splits}
    warnings = [
        *_missing_class_warnings(counts, class_names),
        *_empty_class_warnings(counts, class_names),
        *_loose_image_warnings(splits),
        *same_file_warning(examples),
    ]
    unreadable = _relative(folder, (scan for split in scans.values() for scan in split.values()))
    return Dataset(
        info=info
        or DatasetInfo(name=folder.resolve().name or "folder", summary=f"Folder {display_name(folder)}"),
        class_names=class_names,
        splits=examples,
        unreadable=unreadable,
        warnings=tuple(warnings),
    )


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return split name -> folder, in the order train, val, test."""
    found: dict[str, Path] = {}
    for name in _subfolders(folder):
        split = SPLIT_FOLDERS.get(name.lower())
        if split in found:
            raise DataError(
                f"{display_name(folder)} has two folders for the split '{split}': {found[split].name} and {name}. "
                f"Remove or rename one of them."
            )
        if split:
            found[split] = _unnest(folder / name)
    if "train" in found:
        return {split: found[split] for split in ("train", "val", "test") if split in found}
    if found and len(found) == len(_subfolders(folder)):
        raise DataError(
            f"{display_name(folder)} has {' and '.join(sorted(found))} but no train folder. {_LAYOUT}"
        )
    only = _subfolders(folder)
    if len(only) == 1 and any(name.lower() in SPLIT_FOLDERS for name in _subfolders(folder / only[0])):
        return _split_folders(folder / only[0])
    return {"train": folder}


def _unnest(folder: Path) -> Path:
    """Return seg_train/seg_train for seg_train where that is all it holds: some archives unpack so."""
    return folder / folder.name if _subfolders(folder) == [folder.name] else folder


def _subfolders(folder: Path) -> list[str]:
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not is_hidden(entry.name) and _is_folder(entry))
    except OSError as error:
        raise DataError(f"{display_name(folder)} cannot be listed: {error.strerror}.") from error


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that points at itself.
        return False


def _scan_classes(folder: Path) -> dict[str, Scan]:
    return {name: scan_images(str(folder / name)) for name in _subfolders(folder)}


def _class_names(folder: Path, counts: Mapping[str, Mapping[str, int]]) -> tuple[str, ...]:
    """Return the classes that have images in `train`, sorted; refuse what no model could learn."""
    names = sorted(name for name, count in counts["train"].items() if count)
    for split in counts:
        unknown = sorted(name for name, count in counts[split].items() if count and name not in names)
        if unknown and names:
            raise DataError(
                f"{display_name(folder)}: the {split} split has the class {_quoted(unknown)}, which train lacks, so no "
                f"model could learn it. Train has: {_quoted(names)}. Add images of it to train, or remove it from {split}."
            )
    if not names:
        raise DataError(f"{display_name(folder)} holds no images in class folders. {_LAYOUT}")
    if len(names) == 1:
        raise DataError(
            f"{display_name(folder)} has images of one class only, {_quoted(names)}; a classifier needs at least two. "
            f"{_LAYOUT}"
        )
    return tuple(names)


def _examples(folder: Path, scans: Mapping[str, Scan], class_names: tuple[str, ...]) -> Examples:
    paths = [path for name in class_names if name in scans for path in scans[name].images]
    sizes = [len(scans[name].images) if name in scans else 0 for name in class_names]
    cut = len(str(folder / "x")) - 1
    return Examples(
        images=[Path(path) for path in paths],
        labels=np.repeat(np.arange(len(class_names), dtype=np.int64), sizes),
        files=[display_name(path[cut:].replace(os.sep, "/")) for path in paths],
    )


def _missing_class_warnings(
    counts: Mapping[str, Mapping[str, int]], class_names: tuple[str, ...]
) -> list[str]:
    """Return a sentence per split that lacks a class; its measures say nothing of that class."""
    missing = {split: [name for name in class_names if not counts[split].get(name)] for split in counts}
    return [
        f"The {split} split has no image of {_quoted(names)}." for split, names in missing.items() if names
    ]


def _empty_class_warnings(counts: Mapping[str, Mapping[str, int]], class_names: tuple[str, ...]) -> list[str]:
    empty = sorted({name for split in counts.values() for name in split} - set(class_names))
    return [f"Class folders without any image are left out: {_quoted(empty)}."] if empty else []


def _loose_image_warnings(splits: Mapping[str, Path]) -> list[str]:
    """Return a sentence per split folder that holds images beside its class folders."""
    sentences = []
    for folder in splits.values():
        with os.scandir(folder) as entries:
            loose = [entry.name for entry in entries if not is_hidden(entry.name) and not _is_folder(entry)]
        count = sum(extension(name) in IMAGE_EXTENSIONS for name in loose)
        if count:
            sentences.append(
                f"{count} images in {display_name(folder)} lie in no class folder and are left out."
            )
    return sentences


def _relative(folder: Path, scans: Iterable[Scan]) -> tuple[UnreadableImage, ...]:
    prefix = display_name(str(folder / "x")[:-1])
    return tuple(
        UnreadableImage(entry.file.removeprefix(prefix), entry.reason)
        for scan in scans
        for entry in scan.unreadable
    )


def _quoted(names: Iterable[str], most: int = 10) -> str:
    """Return "'a', 'b' and 3 more"."""
    shown = [f"'{display_name(name)}'" for name in names]
    more = f" and {len(shown) - most} more" if len(shown) > most else ""
    return ", ".join(shown[:most]) + more
