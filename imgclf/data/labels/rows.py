"""From rows of (image, label, split, group) to a dataset: the common end of manifests and Parquet files."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from imgclf.data.examples import Dataset, Examples
from imgclf.data.images.source import ImageSource
from imgclf.data.labels.classes import label_indices, learnable_classes, missing_class_warnings, sorted_names
from imgclf.data.labels.leaks import same_file_warning, shared_group_warning
from imgclf.records import DatasetInfo, UnreadableImage


@dataclass
class SplitRows:
    """The rows of one split; all four are of one length, ``groups`` may be empty."""

    images: Sequence[ImageSource] = field(default_factory=list)
    labels: list[str] = field(default_factory=list)
    files: list[str] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)


def dataset_of_rows(
    where: str,
    info: DatasetInfo,
    rows: dict[str, SplitRows],
    *,
    class_names: Sequence[str] = (),
    hint: str,
    unreadable: Iterable[UnreadableImage] = (),
    warnings: Iterable[str] = (),
) -> Dataset:
    """Build the dataset.

    Args:
        where: the source as the user knows it.
        info: what to say of it.
        rows: split -> rows; the order of train, val and test is made here.
        class_names: in index order, where the source fixes it; else the labels of `train`, sorted.
        hint: what the source should look like, as a sentence.
        unreadable: see :class:`Dataset`.
        warnings: see :class:`Dataset`; those about classes, repeated files and shared groups are added.

    Raises:
        DataError: no model could learn from these classes.
    """
    rows = {split: rows[split] for split in ("train", "val", "test") if split in rows and rows[split].labels}
    counts = {split: dict(Counter(found.labels)) for split, found in rows.items()}
    learnt = learnable_classes(where, counts, hint)
    names = tuple(class_names) or tuple(sorted_names(learnt))
    examples = {
        split: Examples(found.images, label_indices(found.labels, names), found.files, tuple(found.groups))
        for split, found in rows.items()
    }
    return Dataset(
        info=info,
        class_names=names,
        splits=examples,
        unreadable=tuple(unreadable),
        warnings=(
            *warnings,
            *missing_class_warnings(counts, names),
            *same_file_warning(examples),
            *shared_group_warning(examples),
        ),
    )
