"""From what a format read to a dataset: the common end of all formats."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np

from imgclf.data.examples import Dataset, Examples
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.cells import label_names
from imgclf.data.labels.classes import label_indices, learnable_classes, missing_class_warnings, sorted_names
from imgclf.data.labels.leaks import same_file_warning, shared_group_warning
from imgclf.data.labels.name_groups import groups_in_names
from imgclf.data.labels.reading import Reading, SplitRows
from imgclf.data.stored_images import Chosen, StoredImages
from imgclf.data.taken import Taken
from imgclf.records import DatasetInfo
from imgclf.words import counted


def dataset_of(reading: Reading, where: str, info: DatasetInfo, *, groups_by_name: bool = True) -> Dataset:
    """Build the dataset; rows without a label are left out and counted.

    Args:
        reading: as the format gave it.
        where: the source as the user knows it.
        info: what to say of it.
        groups_by_name: keep files together whose names show that they are copies of one photograph, where the format
            gives no groups.

    Raises:
        DataError: no model could learn from these classes, or a label is none.
    """
    ordered = {name: reading.splits[name] for name in ("train", "val", "test") if name in reading.splits}
    named = _named(ordered, where, reading.class_names)
    rows = {split: _labelled(found) for split, found in named.items()}
    unlabelled = {
        split: len(found.labels) - len(rows[split].labels)
        for split, found in named.items()
        if len(rows[split].labels) < len(found.labels)
    }
    rows = {split: found for split, found in rows.items() if found.labels}
    taken = reading.taken
    if groups_by_name and not any(any(found.groups) for found in rows.values()):
        taken = _group_by_name(rows, taken)
    counts = {split: dict(Counter(found.labels)) for split, found in rows.items()}
    learnt = learnable_classes(where, counts, reading.hint)
    names = reading.class_names or tuple(sorted_names(learnt))
    examples = {
        split: Examples(found.images, label_indices(found.labels, names), found.files, tuple(found.groups))
        for split, found in rows.items()
    }
    left_out = {**reading.taken.left_out, "without a label": sum(unlabelled.values())}
    return Dataset(
        info=info,
        class_names=names,
        splits=examples,
        unreadable=reading.unreadable,
        warnings=(
            *reading.warnings,
            *(_unlabelled_warning(split, number) for split, number in unlabelled.items()),
            *missing_class_warnings(counts, names),
            *same_file_warning(examples),
            *shared_group_warning(examples),
        ),
        taken=replace(
            taken,
            rows=sum(map(len, examples.values())),
            left_out={reason: number for reason, number in left_out.items() if number},
        ),
    )


def _group_by_name(rows: Mapping[str, SplitRows], taken: Taken) -> Taken:
    """Set the groups that the names of files show, and say so."""
    found = groups_in_names([file for each in rows.values() for file in each.files])
    if not found:
        return taken
    groups = iter(found)
    for each in rows.values():
        each.groups = list(islice(groups, len(each.labels)))
    said = f"names of copies of one photograph ({len(set(found) - {''})} groups; --set data.group_column='' turns it off)"
    return replace(taken, group=said)


def _named(rows: Mapping[str, SplitRows], where: str, class_names: tuple[str, ...]) -> dict[str, SplitRows]:
    """Turn the labels of all splits into class names together: a gap is told by what the others are."""
    files = [file for found in rows.values() for file in found.files]
    cells = [cell for found in rows.values() for cell in found.labels]
    names = iter(label_names(cells, lambda row: f"{where}, {files[row]}", class_names))
    return {
        split: replace(found, labels=list(islice(names, len(found.labels)))) for split, found in rows.items()
    }


def _labelled(rows: SplitRows) -> SplitRows:
    """Leave out the rows without a label."""
    if "" not in rows.labels:
        return rows
    kept = [row for row, label in enumerate(rows.labels) if label]
    images: Sequence[ImageSource] | np.ndarray
    if isinstance(rows.images, StoredImages | Chosen):
        images = Chosen(rows.images, np.asarray(kept, dtype=np.int64))
    elif isinstance(rows.images, np.ndarray):
        images = rows.images[kept]
    else:
        images = [rows.images[row] for row in kept]
    return SplitRows(
        images=images,
        labels=[rows.labels[row] for row in kept],
        files=[rows.files[row] for row in kept],
        groups=[rows.groups[row] for row in kept] if rows.groups else [],
    )


def _unlabelled_warning(split: str, number: int) -> str:
    verb = "has" if number == 1 else "have"
    is_left = "is" if number == 1 else "are"
    return f"{counted(number, 'image')} of the {split} split {verb} no label and {is_left} left out."
