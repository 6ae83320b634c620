"""Turn an edited review into a manifest: the same images with the corrected labels. No image file is touched."""

import csv
import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from imgclf.data import Dataset, Examples, open_dataset, read_split
from imgclf.errors import DataError, suggest
from imgclf.evaluation.suspects import DROP, read_review
from imgclf.inference.images import run_config
from imgclf.runs import Run, read_header, write_text


@dataclass(frozen=True)
class Relabelled:
    """What a review came to: the manifest, and how many images it has, of which some changed and some were left out."""

    manifest: Path
    images: int
    changed: int
    dropped: int


def apply_review(
    review: Path, run: Run, manifest: Path, *, data_dir: Path | None = None, overwrite: bool = False
) -> Relabelled:
    """Write a manifest (path, label, split) of the run's dataset with the labels that a person has corrected.

    Args:
        review: a ``review.csv`` with class names, or ``drop``, in its column ``new_label``.
        run: the run whose dataset and split it is about.
        manifest: the CSV to write; its paths are absolute, so it may lie anywhere.
        data_dir: where registered datasets live.
        overwrite: replace a manifest that is there already.

    Raises:
        DataError: the review is broken or changes nothing, the manifest exists, or the dataset's images are not
            files that a manifest could name.
    """
    if manifest.exists() and not overwrite:
        raise DataError(
            f"{manifest}: exists already. Choose another file with --output, or replace it with --overwrite."
        )
    header = read_header(run.model_file)
    changes = _changes(review, header.class_names)
    config = run_config(run, header)
    if config is None:
        raise DataError(
            f"{run.path}: does not say which dataset it was trained on, so there is nothing to relabel."
        )
    dataset = open_dataset(config.data.dataset, data_dir)
    splits = read_split(run.splits, dataset) if run.splits.is_file() else None
    parts = (
        dataset.splits
        if splits is None
        else {
            "train": splits.train,
            "val": splits.val,
            **({"test": splits.test} if splits.test is not None else {}),
        }
    )
    _check_known(changes, parts, review)
    text, result = _manifest(dataset, parts, changes, manifest)
    write_text(manifest, text)
    return result


def _changes(review: Path, class_names: tuple[str, ...]) -> dict[tuple[str, str], str]:
    """Return (split, file) -> new label."""
    changes = {}
    for line, one, new in read_review(review):
        if not new:
            continue
        if new != DROP and new not in class_names:
            raise DataError(
                f"{review}, line {line}: '{new}' is no class.{suggest(new, class_names)} Known: "
                f"{', '.join(class_names[:20])}. Write '{DROP}' to leave an image out."
            )
        if new != one.label:
            changes[one.split, one.file] = new
    if not changes:
        raise DataError(
            f"{review}: its column new_label changes nothing. Write a class name there, or '{DROP}', for the images "
            f"that need it."
        )
    return changes


def _check_known(changes: Mapping[tuple[str, str], str], parts: Mapping[str, Examples], review: Path) -> None:
    known = {(split, file) for split, part in parts.items() for file in part.files}
    strange = [file for split, file in changes if (split, file) not in known]
    if strange:
        raise DataError(
            f"{review}: {len(strange)} of its images are not in the run's dataset, for example {strange[0]}. "
            f"Name the run that it is about with --run."
        )


def _manifest(
    dataset: Dataset, parts: Mapping[str, Examples], changes: Mapping[tuple[str, str], str], manifest: Path
) -> tuple[str, Relabelled]:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    grouped = any(any(part.groups) for part in parts.values())
    writer.writerow(["path", "label", "split", *(["group"] if grouped else [])])
    images = changed = dropped = 0
    for split, part in parts.items():
        for index, file in enumerate(part.files):
            source, new = part.images[index], changes.get((split, file))
            if not isinstance(source, Path):
                raise DataError(
                    f"The images of '{dataset.info.name}' are not files of their own, and a manifest names files. Save "
                    f"them as a folder of images first."
                )
            if new == DROP:
                dropped += 1
                continue
            label = new or dataset.class_names[part.labels[index]]
            writer.writerow([source.absolute(), label, split, *([part.groups[index]] if grouped else [])])
            images, changed = images + 1, changed + (new is not None)
    return text.getvalue(), Relabelled(manifest, images, changed, dropped)
