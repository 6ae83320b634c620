"""A table of images and labels (CSV, Parquet, JSON lines) to rows by split: one rule for all of them."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.data.images.names import display_name
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.cells import label_names
from imgclf.data.labels.columns import Columns, Kind, find_columns
from imgclf.data.labels.one_hot import one_hot_columns, one_hot_labels
from imgclf.data.labels.paths import ImagePaths
from imgclf.data.labels.reading import Reading, SplitRows, Wishes
from imgclf.data.labels.split_words import split_in
from imgclf.data.stored_images import Chosen, StoredImages
from imgclf.data.taken import Taken
from imgclf.errors import DataError
from imgclf.records import UnreadableImage


@dataclass(frozen=True, eq=False)
class Table:
    """A table as a format read it.

    Attributes:
        where: the file or folder as the user knows it.
        folder: what paths are relative to.
        names: of the columns.
        cells: returns a column.
        row: names the place of a row, from 0: "labels.csv, line 3".
        images: returns the encoded images of a column, with a name for each where they have one; None for paths.
        splits: the split that each row's file says, where its name says one; else empty.
        prefixes: what stands before the paths of each row, where its file lies deeper than ``folder``; else empty.
        features: Hugging Face's.
        kinds: what the columns hold, where the file says it.
    """

    where: str
    folder: Path
    names: Sequence[str]
    cells: Callable[[str], Sequence[Any]]
    row: Callable[[int], str]
    images: Callable[[str], tuple[Sequence[ImageSource], Sequence[str]] | None] = lambda _: None
    splits: Sequence[str] = ()
    prefixes: Sequence[str] = ()
    features: Mapping[str, Any] = field(default_factory=dict)
    kinds: Mapping[str, Kind] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class _Images:
    """The images of all rows: their sources, a name for each, and which of them are no files."""

    sources: Sequence[ImageSource]
    files: Sequence[str]
    missing: np.ndarray


def read_table(table: Table, format_name: str, wishes: Wishes, hint: str) -> Reading:
    """Read a table.

    Raises:
        DataError: a column is missing, or a row is wrong (the message has its number).
    """
    columns, labels, label_said = _labels(table, wishes)
    splits, split_said = _splits(table, columns, len(labels))
    images = _images(table, columns, splits)
    groups = [_text(cell) for cell in table.cells(columns.group)] if columns.group else []
    keep, repeats = _without_repeats(table, images, splits, labels)
    missing = np.flatnonzero(images.missing & keep)
    if len(missing) and not (keep & ~images.missing).any():
        example, folder = images.files[missing[0]], display_name(table.folder.absolute())
        advice = (
            f"They are on a server: download them into {folder} first."
            if "://" in example and not example.startswith("file:")
            else f"Paths are relative to the folder of the manifest, {folder}."
        )
        raise DataError(
            f"{table.where} names {len(missing)} files and none of them exists, for example {example}. {advice}"
        )
    of_split = np.asarray(splits)
    rows = {
        split: _chosen(images, labels, groups, np.flatnonzero((of_split == split) & keep & ~images.missing))
        for split in dict.fromkeys(splits)
    }
    taken = Taken(
        format_name,
        f"column '{columns.image}'",
        label_said,
        split_said,
        f"column '{columns.group}'" if columns.group else "",
        left_out={
            reason: number
            for reason, number in (("repeated rows", repeats), ("of missing files", len(missing)))
            if number
        },
    )
    return Reading(
        rows,
        taken,
        columns.class_names,
        tuple(
            UnreadableImage(images.files[row], f"is named in {_line(table, row)} but is no file")
            for row in missing.tolist()
        ),
        (*_repeat_warning(repeats, table.where), *_unused_warning(columns, table.where)),
        hint,
    )


def _labels(table: Table, wishes: Wishes) -> tuple[Columns, list[str], str]:
    """Return the columns, a class name for each row, and where the names come from."""
    one_hot = (
        () if wishes.label_column else one_hot_columns(table.names, table.cells, table.features, table.kinds)
    )
    if one_hot:
        columns = find_columns([*table.names, "label"], table.where, table.features, table.kinds, wishes)
        said = f"{len(one_hot)} columns of 0 and 1"
        return columns, one_hot_labels(one_hot, table.cells, table.row), said
    columns = find_columns(table.names, table.where, table.features, table.kinds, wishes)
    label, names = columns.label, columns.class_names
    if columns.label_names and not names and _are_numbers(table.cells(label)):
        label = columns.label_names  # The name that stands beside a number says more.
    return columns, label_names(table.cells(label), table.row, names), f"column '{label}'"


def _are_numbers(cells: Sequence[Any]) -> bool:
    return all(_text(cell).removeprefix("-").isdecimal() for cell in cells)


def _splits(table: Table, columns: Columns, rows: int) -> tuple[list[str], str]:
    """Return the split of each row: the column says it, else the file."""
    if columns.split is None:
        said = "names of the files" if len(set(table.splits)) > 1 else ""
        return list(table.splits) or ["train"] * rows, said
    cells = [_text(cell) for cell in table.cells(columns.split)]
    meaning = _flag_meaning(columns.split) or {}
    known = {cell: meaning.get(cell.lower()) or split_in(cell) for cell in set(cells)}
    for row, cell in enumerate(cells):
        if known[cell] is None:
            raise DataError(
                f"{table.row(row)}: the split '{display_name(cell)}' is none of train, val, test. Another column, or "
                f"none, can be named with --split-column."
            )
    return [known[cell] or "" for cell in cells], f"column '{columns.split}'"


def _flag_meaning(column: str) -> dict[str, str] | None:
    """Return what True and False of fastai's ``is_valid`` mean."""
    split = {"is_valid": "val", "is_test": "test"}.get(column.strip().lower())
    if split is None:
        return None
    return {"true": split, "1": split, "false": "train", "0": "train", "": "train"}


def _images(table: Table, columns: Columns, splits: Sequence[str]) -> _Images:
    encoded = table.images(columns.image)
    if encoded is not None:
        sources, names = encoded
        files = _file_names(names if columns.split is None else (), splits, columns)
        return _Images(sources, files, np.zeros(len(sources), bool))
    cells = table.cells(columns.image)
    for row, cell in enumerate(cells):
        if cell is None or cell == "":
            raise DataError(
                f"{table.row(row)}: no value in the column '{columns.image}'. Fill it in or remove the line."
            )
    texts = [_text(cell) for cell in cells]
    if table.prefixes:
        texts = [f"{prefix}{text}" for prefix, text in zip(table.prefixes, texts, strict=True)]
    found = ImagePaths(table.folder).find(texts, splits)
    return _Images(found.paths, found.files, found.missing)


def _file_names(names: Sequence[str], splits: Sequence[str], columns: Columns) -> list[str]:
    """Return the images' own names where each has one and no two of a split are equal, else their numbers."""
    if names and all(names) and max(Counter(zip(splits, names, strict=True)).values(), default=0) == 1:
        return [
            display_name(name) if "/" in name else f"{split}/{display_name(name)}"
            for split, name in zip(splits, names, strict=True)
        ]
    if columns.split is not None:
        return [f"{split}/{row:05d}" for row, split in enumerate(splits)]
    numbers: Counter[str] = Counter()
    files = []
    for split in splits:
        files.append(f"{split}/{numbers[split]:05d}")
        numbers[split] += 1
    return files


def _without_repeats(
    table: Table, images: _Images, splits: Sequence[str], labels: Sequence[str]
) -> tuple[np.ndarray, int]:
    """Return bool (N,) without the rows that repeat an earlier one, and how many these are."""
    keep = np.ones(len(labels), bool)
    counts = Counter(zip(splits, images.files, strict=True))
    if len(counts) == len(labels):
        return keep, 0
    first: dict[tuple[str, str], int] = {}
    for row, place in enumerate(zip(splits, images.files, strict=True)):
        earlier = first.setdefault(place, row)
        if earlier != row:
            keep[row] = False
            if labels[earlier] != labels[row]:
                raise DataError(
                    f"{table.where}: {place[1]} is '{labels[earlier]}' in {_short(table.row(earlier))} and "
                    f"'{labels[row]}' in {_short(table.row(row))}. Keep one of them."
                )
    return keep, int((~keep).sum())


def _line(table: Table, row: int) -> str:
    """Return "line 4 of labels.csv"."""
    file, _, line = table.row(row).rpartition(", ")
    return f"{line} of {Path(file).name}"


def _short(row: str) -> str:
    return row.rpartition(", ")[2]


def _chosen(images: _Images, labels: Sequence[str], groups: Sequence[str], rows: np.ndarray) -> SplitRows:
    whole = len(rows) == len(labels)
    indices = rows.tolist()
    sources: Sequence[ImageSource]
    if whole:
        sources = images.sources
    elif isinstance(images.sources, StoredImages):
        sources = Chosen(images.sources, rows.astype(np.int64))
    else:
        sources = [images.sources[row] for row in indices]
    return SplitRows(
        images=sources,
        labels=[labels[row] for row in indices],
        files=[images.files[row] for row in indices],
        groups=[groups[row] for row in indices] if groups else [],
    )


def _text(value: Any) -> str:
    """Return a cell as text; pandas writes a column of whole numbers with gaps as floats."""
    if value is None or value != value:
        return ""
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _repeat_warning(repeats: int, where: str) -> list[str]:
    return [f"{repeats} rows of {where} repeat an earlier row and are left out."] if repeats else []


def _unused_warning(columns: Columns, where: str) -> list[str]:
    return [
        f"The column '{name}' of {where} looks like a split and is not used: "
        + (f"'{columns.split}' is. " if columns.split else "all rows are train. ")
        + "Choose with --split-column."
        for name in columns.unused
    ]
