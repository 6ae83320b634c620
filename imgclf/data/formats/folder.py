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
from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.images.scan import Scan, scan_images
from imgclf.data.labels.classes import SPLIT_WORDS, learnable_classes, missing_class_warnings, quoted
from imgclf.data.labels.leaks import same_file_warning
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, UnreadableImage

_SPLIT_FOLDERS = {**SPLIT_WORDS, "seg_train": "train", "seg_test": "test"}

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
    class_names = learnable_classes(display_name(folder), counts, hint=_LAYOUT)
    examples = {split: _examples(folder, scans[split], class_names) for split in splits}
    warnings = [
        *missing_class_warnings(counts, class_names),
        *_empty_class_warnings(counts, class_names),
        *_loose_image_warnings(splits),
        *_other_folder_warnings(splits),
        *same_file_warning(examples),
    ]
    unreadable = _relative(folder, (scan for split in scans.values() for scan in split.values()))
    return Dataset(
        info=info
        or DatasetInfo(
            name=display_name(folder.resolve().name) or "folder", summary=f"Folder {display_name(folder)}"
        ),
        class_names=tuple(display_name(name) for name in class_names),
        splits=examples,
        unreadable=unreadable,
        warnings=tuple(warnings),
    )


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return split name -> folder, in the order train, val, test."""
    names = _subfolders(folder)
    found: dict[str, Path] = {}
    for name in names:
        split = _SPLIT_FOLDERS.get(name.lower())
        if split in found:
            raise DataError(
                f"{display_name(folder)} has two folders for the split '{split}': {found[split].name} and {name}. "
                f"Remove or rename one of them."
            )
        if split:
            found[split] = _unnest(folder / name)
    only_splits = len(found) == len(names)
    # A class may be called train: then images lie in the folder itself, and other classes beside it.
    if "train" in found and (only_splits or _subfolders(found["train"])):
        return {split: found[split] for split in ("train", "val", "test") if split in found}
    if found and only_splits:
        raise DataError(
            f"{display_name(folder)} has {' and '.join(sorted(found))} but no train folder. {_LAYOUT}"
        )
    if len(names) == 1 and any(name.lower() in _SPLIT_FOLDERS for name in _subfolders(folder / names[0])):
        return _split_folders(folder / names[0])
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


def _examples(folder: Path, scans: Mapping[str, Scan], class_names: tuple[str, ...]) -> Examples:
    paths = [path for name in class_names if name in scans for path in scans[name].images]
    sizes = [len(scans[name].images) if name in scans else 0 for name in class_names]
    cut = len(str(folder / "x")) - 1
    return Examples(
        images=[Path(path) for path in paths],
        labels=np.repeat(np.arange(len(class_names), dtype=np.int64), sizes),
        files=[display_name(path[cut:].replace(os.sep, "/")) for path in paths],
    )


def _empty_class_warnings(counts: Mapping[str, Mapping[str, int]], class_names: tuple[str, ...]) -> list[str]:
    empty = sorted({name for split in counts.values() for name in split} - set(class_names))
    return [f"Class folders without any image are left out: {quoted(empty)}."] if empty else []


def _loose_image_warnings(splits: Mapping[str, Path]) -> list[str]:
    """Return a sentence per split folder that holds images beside its class folders."""
    sentences = []
    for folder in splits.values():
        with os.scandir(folder) as entries:
            loose = [entry.name for entry in entries if not is_hidden(entry.name) and not _is_folder(entry)]
        count = sum(extension(name) in IMAGE_EXTENSIONS for name in loose)
        if count:
            sentences.append(
                f"Images in {display_name(folder)} itself, in no class folder, are left out: {count} of them."
            )
    return sentences


def _other_folder_warnings(splits: Mapping[str, Path]) -> list[str]:
    """Return a sentence if the folder of train, val and test holds others."""
    parents = {
        path.parent if path.parent.name != path.name else path.parent.parent for path in splits.values()
    }
    if len(splits) == 1 and "train" in splits and splits["train"].name.lower() not in _SPLIT_FOLDERS:
        return []
    others = [
        name for parent in parents for name in _subfolders(parent) if name.lower() not in _SPLIT_FOLDERS
    ]
    return [f"Folders beside train are left out: {quoted(others)}."] if others else []


def _relative(folder: Path, scans: Iterable[Scan]) -> tuple[UnreadableImage, ...]:
    prefix = display_name(str(folder / "x")[:-1])
    return tuple(
        UnreadableImage(entry.file.removeprefix(prefix), entry.reason)
        for scan in scans
        for entry in scan.unreadable
    )
