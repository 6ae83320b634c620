"""Which folders below a folder are its splits."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.labels.split_words import SPLIT_WORDS, split_in
from imgclf.errors import DataError

_FEW = 5  # folders of which one may hold the dataset: an archive that unpacks into a folder of its name


@dataclass(frozen=True)
class SplitFolders:
    """Where the splits lie.

    Attributes:
        found: split -> folder, in the order train, val, test; `train` is the folder itself where there are none.
        others: folders beside them that are left out.
    """

    found: dict[str, Path]
    others: tuple[str, ...] = ()


def split_folders(folder: Path) -> SplitFolders:
    """Tell the splits by the words in the folders' names.

    All folders are splits where each name says one. Beside other folders only names that say nothing else
    ("train", "seg_test") count, or such names whose folders hold the same classes.

    Raises:
        DataError: two folders are one split, or the folder cannot be listed.
    """
    names = subfolders(folder)
    said = {name: split for name in names if (split := split_in(name))}
    plain = {name: split for name, split in said.items() if _is_plain(name)}
    chosen = {}
    if (
        said
        and len(said) == len(names)
        and any(subfolders(folder / name) or loose_images(folder / name) for name in names)
    ):
        chosen = said if not _is_one_class(folder, names) else {}
    elif any(split == "train" and subfolders(folder / name) for name, split in plain.items()):
        chosen = plain
    elif _share_classes(folder, said):
        chosen = said
    if chosen:
        return SplitFolders(_ordered(folder, chosen), tuple(name for name in names if name not in chosen))
    inner = _inner(folder, names)
    if inner is not None:
        below = split_folders(folder / inner)
        return SplitFolders(below.found, (*below.others, *(name for name in names if name != inner)))
    return SplitFolders({"train": folder})


def subfolders(folder: Path) -> list[str]:
    """Return the names of the folders in a folder, sorted, without hidden ones.

    Raises:
        DataError: it cannot be listed.
    """
    try:
        with os.scandir(folder) as entries:
            return sorted(entry.name for entry in entries if not is_hidden(entry.name) and _is_folder(entry))
    except OSError as error:
        raise DataError(f"{display_name(folder)} cannot be listed: {error.strerror}.") from error


def loose_images(folder: Path) -> int:
    """Return how many files of an image's extension lie in the folder itself."""
    with os.scandir(folder) as entries:
        return sum(
            extension(entry.name) in IMAGE_EXTENSIONS
            for entry in entries
            if not is_hidden(entry.name) and not _is_folder(entry)
        )


def _is_folder(entry: os.DirEntry[str]) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # A link that points at itself.
        return False


def _is_plain(name: str) -> bool:
    return name.lower().removeprefix("seg_") in SPLIT_WORDS


def _is_one_class(folder: Path, names: Sequence[str]) -> bool:
    """Say whether the only folder is called train and holds images alone: a class of trains, perhaps."""
    return len(names) == 1 and not subfolders(folder / names[0])


def _share_classes(folder: Path, said: dict[str, str]) -> bool:
    """Say whether folders of several splits hold class folders of the same names."""
    if len(set(said.values())) < 2 or "train" not in said.values():
        return False
    classes = [set(subfolders(folder / name)) for name in said]
    return all(classes) and len(set.intersection(*classes)) > 1


def _ordered(folder: Path, chosen: dict[str, str]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    for name, split in chosen.items():
        if split in found:
            raise DataError(
                f"{display_name(folder)} has two folders for the split '{split}': {found[split].name} and {name}. "
                f"Remove or rename one of them."
            )
        found[split] = _unnest(folder / name)
    return {split: found[split] for split in ("train", "val", "test") if split in found}


def _unnest(folder: Path) -> Path:
    """Return seg_train/seg_train for seg_train where that is all it holds: some archives unpack so."""
    return folder / folder.name if subfolders(folder) == [folder.name] else folder


def _inner(folder: Path, names: Sequence[str]) -> str | None:
    """Return the only one of a few folders that holds folders of splits."""
    if not 0 < len(names) <= _FEW:
        return None
    holders = [
        name
        for name in names
        if any(_is_plain(below) and split_in(below) == "train" for below in subfolders(folder / name))
        or (len(names) == 1 and any(_is_plain(below) for below in subfolders(folder / name)))
    ]
    return holders[0] if len(holders) == 1 else None
