"""A folder of images, one folder per class: the layouts that work without a word.

    photos/train/cat/1.jpg  photos/val/...  photos/test/...     val may be called valid, validation or dev
    intel/seg_train/forest/1.jpg  train_images/ + test_images/  any folder whose name has such a word; also
                                                                seg_train/seg_train/..., as some archives unpack
    photos/cat/1.jpg  photos/dog/2.png                          a single tree: everything is `train`

Class names are the names of the class folders, sorted by code point; images may lie deeper. A class that a
split lacks keeps every other index as it was. Nothing is opened, changed or written here.
"""

import os
from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import chain
from pathlib import Path
from typing import final

from imgclf.data.formats.class_folders import ClassFolders, scan_classes
from imgclf.data.formats.manifest import find_manifest
from imgclf.data.formats.split_folders import loose_images, split_folders
from imgclf.data.images.names import display_name
from imgclf.data.labels.classes import quoted
from imgclf.data.labels.reading import Reading, SplitRows, Wishes
from imgclf.data.taken import Taken
from imgclf.errors import DataError
from imgclf.records import UnreadableImage

LAYOUT = "Expected FOLDER/CLASS/image.jpg, or FOLDER/train/CLASS/image.jpg with val and test beside train."


@final
class ImageFolder:
    """One folder of images per class, with or without folders for the splits."""

    name = "image_folder"
    summary = "A folder with one folder of images per class"
    made_with = "the documented layouts of torchvision, Keras, Kaggle"
    reads = (
        "FOLDER/CLASS/image.jpg, or the same below folders whose names say the splits; images at any depth."
    )
    leaves_out = (
        "Images in no class folder, and folders that tools write for images without a label (no_label)."
    )
    rank = 90

    def recognises(self, path: Path) -> bool:
        """Say whether it is a folder."""
        return path.is_dir()

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the images below the class folders."""
        return read_class_folders(path, wishes)


def read_class_folders(folder: Path, wishes: Wishes = Wishes()) -> Reading:  # noqa: B008 - frozen
    """Read a folder of images.

    Raises:
        DataError: there is no such folder, or images lie in folders of splits and in no class folders.
    """
    folders = split_folders(folder)
    scans = {split: scan_classes(path, wishes.class_depth or 1) for split, path in folders.found.items()}
    unlabelled = _without_classes(folder, folders.found, scans)
    scans = {split: scan for split, scan in scans.items() if split not in unlabelled}
    names = sorted({name for scan in scans.values() for name, paths in scan.images.items() if paths})
    left_out: Counter[str] = Counter()
    for scan in scans.values():
        left_out.update({f"in {name}/": count for name, count in scan.unlabelled.items()})
        left_out.update({f".{ending} files": count for ending, count in scan.ignored.items() if ending})
    return Reading(
        {split: _rows(folder, scan, names) for split, scan in scans.items()},
        Taken(
            "image_folder",
            "files below the class folders",
            "folders" if (wishes.class_depth or 1) == 1 else f"{wishes.class_depth} folders, joined",
            "folders " + ", ".join(path.name for path in folders.found.values())
            if folders.found.get("train") != folder
            else "",
            left_out=left_out,
        ),
        class_names=tuple(display_name(name) for name in names),
        unreadable=_relative(folder, scans),
        warnings=(
            *_class_warnings(scans, names, wishes),
            *_loose_image_warnings(folders.found, unlabelled),
            *([f"Folders beside train are left out: {quoted(folders.others)}."] if folders.others else []),
            *unlabelled.values(),
            *_manifest_warning(folder),
        ),
        hint=LAYOUT,
    )


def _without_classes(
    folder: Path, found: Mapping[str, Path], scans: Mapping[str, ClassFolders]
) -> dict[str, str]:
    """Return split -> a sentence for splits whose images lie in no class folder: nothing says their labels.

    Raises:
        DataError: no split has class folders.
    """
    loose = {split: loose_images(path) for split, path in found.items()}
    flat = {split: path for split, path in found.items() if loose[split] and not scans[split].images}
    if flat and len(flat) == len(found) and found.get("train") != folder:
        files = [name for name in _tables(folder) if name]
        beside = (
            f" Beside them: {quoted(files)}; name the one with the labels, such as --data {folder / files[0]}."
            if files
            else ""
        )
        raise DataError(
            f"{display_name(folder)}: the images in {quoted(path.name for path in flat.values())} lie in no class folders, "
            f"so nothing says their labels.{beside} {LAYOUT}"
        )
    return {
        split: f"The {loose[split]} images in {display_name(path)} have no labels, so there is no {split} split. To "
        f"classify them: imgclf predict {display_name(path)}"
        for split, path in flat.items()
        if split != "train"
    }


def _tables(folder: Path) -> list[str]:
    endings = (".csv", ".tsv", ".json", ".jsonl", ".txt", ".xlsx", ".mat")
    return sorted(entry.name for entry in os.scandir(folder) if entry.name.lower().endswith(endings))


def _rows(folder: Path, scan: ClassFolders, names: Sequence[str]) -> SplitRows:
    cut = len(str(folder / "x")) - 1
    paths = [path for name in names for path in scan.images.get(name, ())]
    return SplitRows(
        images=[Path(path) for path in paths],
        labels=list(
            chain.from_iterable([display_name(name)] * len(scan.images.get(name, ())) for name in names)
        ),
        files=[display_name(path[cut:].replace(os.sep, "/")) for path in paths],
    )


def _class_warnings(scans: Mapping[str, ClassFolders], names: Sequence[str], wishes: Wishes) -> list[str]:
    """Return sentences on empty classes, on classes that join folders, and on names that differ in case only."""
    empty = sorted({name for scan in scans.values() for name in scan.images} - set(names))
    sentences = [f"Class folders without any image are left out: {quoted(empty)}."] if empty else []
    nested: dict[str, Counter[str]] = {}
    for scan in scans.values():
        for name, inner in scan.inner.items():
            nested.setdefault(name, Counter()).update(inner)
    joined = {name: inner for name, inner in nested.items() if len(inner) > 1}
    if joined:
        name, inner = next(iter(joined.items()))
        parts = ", ".join(f"{display_name(part)} ({count})" for part, count in list(inner.items())[:5])
        more = f", and {len(joined) - 1} other classes likewise" if len(joined) > 1 else ""
        depth = (wishes.class_depth or 1) + 1
        sentences.append(
            f"The class '{display_name(name)}' joins the images of several folders: {parts}{more}. To make each a class: "
            f"--class-depth {depth}"
        )
    alike = [group for group in _by_lower(names).values() if len(group) > 1]
    sentences += [f"The classes {quoted(group)} differ in upper and lower case only." for group in alike]
    return sentences


def _by_lower(names: Sequence[str]) -> dict[str, list[str]]:
    groups: dict[str, list[str]] = {}
    for name in names:
        groups.setdefault(name.casefold(), []).append(name)
    return groups


def _loose_image_warnings(found: Mapping[str, Path], unlabelled: Mapping[str, str]) -> list[str]:
    """Return a sentence per split folder that holds images beside its class folders."""
    counts = {path: loose_images(path) for split, path in found.items() if split not in unlabelled}
    return [
        f"Images in {display_name(path)} itself, in no class folder, are left out: {count} of them."
        for path, count in counts.items()
        if count
    ]


def _manifest_warning(folder: Path) -> list[str]:
    manifest = find_manifest(folder)
    if manifest is None:
        return []
    return [
        f"{display_name(manifest)} beside the class folders is not used. To read it instead: --data "
        f"{display_name(manifest)}"
    ]


def _relative(folder: Path, scans: Mapping[str, ClassFolders]) -> tuple[UnreadableImage, ...]:
    prefix = display_name(str(folder / "x")[:-1])
    return tuple(
        UnreadableImage(entry.file.removeprefix(prefix), entry.reason)
        for scan in scans.values()
        for entry in scan.unreadable
    )
