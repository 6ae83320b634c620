"""Which images a command looks at: the run's own split, or another dataset with the same class names."""

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.data import (
    Dataset,
    Examples,
    SplitChanges,
    Splits,
    Wishes,
    is_pattern,
    make_splits,
    open_dataset,
    read_split,
    wishes_of,
)
from imgclf.errors import DataError, suggest
from imgclf.inference.notes import Note
from imgclf.recipes import Config
from imgclf.records import ModelHeader, OnProgress, UnreadableImage
from imgclf.runs import Run


@dataclass(frozen=True, eq=False)
class Images:
    """What a command looks at. Labels index the model's classes throughout.

    Attributes:
        dataset: its name.
        split: the split's name, as it is and not as it was asked for.
        examples: the images to be evaluated.
        val: the run's own validation images, for calibration; None for another dataset.
        train: the run's own training images, to look for copies; None for another dataset.
        own: whether the dataset is the one that the run was trained on.
        unreadable: files of the dataset that hold no image.
        notes: sentences that a person should read.
    """

    dataset: str
    split: str
    examples: Examples
    val: Examples | None
    train: Examples | None
    own: bool
    unreadable: tuple[UnreadableImage, ...] = ()
    notes: tuple[Note, ...] = ()


def choose_images(
    run: Run,
    header: ModelHeader,
    data: str | None,
    split: str,
    *,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> Images:
    """Find the images.

    Args:
        run: the run; its ``splits.csv`` says which images were in which split.
        header: of its model file.
        data: another dataset, matched by class name; None is the run's own.
        split: ``train``, ``val`` or ``test``; without a test split, ``val`` is taken and a note says so.
        data_dir: where registered datasets live.
        progress: told how far a download is.

    Raises:
        DataError: the dataset is gone, lacks the split, or has classes that the model does not know.
    """
    config = run_config(run, header)
    if config is None and data is None:
        raise DataError(
            f"{run.path}: has neither a config.toml nor a dataset in its model file. Name the images with --data."
        )
    own = config is not None and (data is None or _same(data, config.data.dataset))
    if config is not None and own:
        return _own_images(run, header, config, split, data_dir, progress)
    wishes = wishes_of(config.data) if config is not None else Wishes()
    dataset = open_dataset(str(data), data_dir, wishes=wishes, progress=progress)
    return _foreign_images(header, dataset, split)


def run_config(run: Run, header: ModelHeader) -> Config | None:
    """Return the run's resolved config: its ``config.toml``, else what the model file says; None without either."""
    values: Mapping[str, Any] | None = header.provenance.get("config")
    if run.config.is_file():
        values = tomllib.loads(run.config.read_text(encoding="utf-8"))
    return None if values is None else Config.model_validate(values)


def match_classes(examples: Examples, given: Sequence[str], known: Sequence[str], dataset: str) -> Examples:
    """Renumber labels from one list of class names to another, by name.

    Args:
        examples: labels index ``given``.
        given: the dataset's class names.
        known: the model's class names.
        dataset: the dataset's name, for the message.

    Raises:
        DataError: the images have a class that the model does not know.
    """
    places = {name: index for index, name in enumerate(known)}
    present = np.unique(examples.labels)
    strange = [given[label] for label in present if given[label] not in places]
    if strange:
        shown = ", ".join(f"'{name}'" for name in strange[:5]) + (" ..." if len(strange) > 5 else "")
        raise DataError(
            f"{len(strange)} of the {len(present)} classes of '{dataset}' are unknown to the model: {shown}."
            f"{suggest(strange[0], known)} The model knows: {', '.join(known[:10])}{' ...' if len(known) > 10 else ''}. "
            f"Classes are matched by name: rename the dataset's folders or labels, or train on this dataset."
        )
    numbers = np.array([places.get(name, -1) for name in given], dtype=np.int64)
    return replace(examples, labels=numbers[examples.labels])


def _own_images(
    run: Run, header: ModelHeader, config: Config, split: str, data_dir: Path | None, progress: OnProgress
) -> Images:
    named = config.data.dataset
    if _is_gone(named):
        raise DataError(
            f"The dataset that {run.name} was trained on, '{named}', is not there any more. Name the place that it has "
            f"now, or other images of the same classes, with --data."
        )
    dataset = open_dataset(named, data_dir, wishes=wishes_of(config.data), progress=progress)
    splits, changes, notes = _own_splits(run, config, dataset)
    parts = {
        name: match_classes(part, dataset.class_names, header.class_names, dataset.info.name)
        for name, part in (("train", splits.train), ("val", splits.val), ("test", splits.test))
        if part is not None and len(part)
    }
    if split not in parts:
        if split != "test" or "val" not in parts:
            raise DataError(
                f"The dataset '{dataset.info.name}' has no {split} images; it has: {', '.join(parts)}. Choose with --split."
            )
        split = "val"
        notes.append(
            Note(
                "warn",
                f"'{dataset.info.name}' has no test split, so `val` is evaluated. The best epoch was chosen on these "
                f"images: on new ones the model will do somewhat worse.",
            )
        )
    notes += _change_notes(changes, dataset.info.name, split, len(parts[split]))
    if split == "train":
        notes.append(Note("warn", "The model was trained on these images: they say nothing about new ones."))
    return Images(
        dataset=dataset.info.name,
        split=split,
        examples=parts[split],
        val=parts.get("val"),
        train=parts.get("train") if split != "train" else None,
        own=True,
        unreadable=dataset.unreadable,
        notes=tuple(notes),
    )


def _own_splits(run: Run, config: Config, dataset: Dataset) -> tuple[Splits, SplitChanges, list[Note]]:
    """Divide the dataset as the run did, by its ``splits.csv``; without one, as its config says."""
    if run.splits.is_file():
        splits, changes = read_split(run.splits, dataset)
        return splits, changes, []
    splits = make_splits(
        dataset,
        val_fraction=config.data.val_fraction,
        val_from=config.data.val_from,
        seed=config.training.seed,
    )
    note = Note("plain", "The run has no splits.csv; the split was made again from its config.")
    return splits, SplitChanges({}), [note]


def _change_notes(changes: SplitChanges, dataset: str, split: str, there: int) -> list[Note]:
    """Say what has changed in a dataset since the run was trained.

    Raises:
        DataError: more than half of the images of the split are gone.
    """
    gone = changes.missing.get(split, ())
    if len(gone) > there:
        raise DataError(
            f"{len(gone):,} of the {len(gone) + there:,} {split} images that the run has seen are gone from "
            f"'{dataset}', for example {gone[0]}. Has it moved or changed? Name the images to evaluate with --data."
        )
    notes = []
    for name, files in changes.missing.items():
        left = "It is" if len(files) == 1 else "They are"
        what = "1 image" if len(files) == 1 else f"{len(files):,} images"
        verb = "is" if len(files) == 1 else "are"
        notes.append(
            Note(
                "warn",
                f"{what} of `{name}` {verb} gone from '{dataset}', for example {files[0]}. {left} left out.",
            )
        )
    if changes.relabelled:
        file, then, now = changes.relabelled[0]
        count = len(changes.relabelled)
        have = "image has another label" if count == 1 else "images have other labels"
        notes.append(
            Note(
                "plain",
                f"{count:,} {have} in '{dataset}' than when the run was trained, for example {file}: '{then}' then, "
                f"'{now}' now. The present ones count.",
            )
        )
    return notes


def _foreign_images(header: ModelHeader, dataset: Dataset, split: str) -> Images:
    """Take the split of a dataset that the model was not trained on; without it, all that there is."""
    notes: list[Note] = []
    found = {name: part for name, part in dataset.splits.items() if len(part)}
    if split not in found:
        if split != "test" or len(found) != 1:
            raise DataError(
                f"The dataset '{dataset.info.name}' has no {split} images; it has: {', '.join(found) or 'none at all'}. "
                f"Choose with --split."
            )
        split = next(iter(found))
        notes.append(Note("plain", f"'{dataset.info.name}' has no test split: all its images are evaluated."))
    examples = match_classes(found[split], dataset.class_names, header.class_names, dataset.info.name)
    absent = sorted(set(header.class_names) - set(dataset.class_names))
    if absent:
        names = ", ".join(f"'{name}'" for name in absent[:5]) + (" ..." if len(absent) > 5 else "")
        notes.append(
            Note("plain", f"The model knows {len(absent)} classes that this dataset lacks: {names}.")
        )
    return Images(
        dataset=dataset.info.name,
        split=split,
        examples=examples,
        val=None,
        train=None,
        own=False,
        unreadable=dataset.unreadable,
        notes=tuple(notes),
    )


def _is_gone(dataset: str) -> bool:
    """Whether a run's dataset was a path, and nothing is there any more."""
    return Path(dataset).is_absolute() and not is_pattern(dataset) and not Path(dataset).exists()


def _same(given: str, trained: str) -> bool:
    """Whether two dataset names mean the same dataset, as a name or as a path."""
    if given == trained:
        return True
    first, second = Path(given).expanduser(), Path(trained).expanduser()
    return first.exists() and second.exists() and first.resolve() == second.resolve()
