"""Turn an edited review into a manifest: the same images with the corrected labels. No image file is touched."""

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from imgclf.atomic import write_atomically
from imgclf.data import Dataset, Examples, ImageSource, open_dataset, read_image, read_split, wishes_of
from imgclf.errors import DataError, suggest
from imgclf.evaluation.suspects import DROP, read_review
from imgclf.inference import run_config
from imgclf.runs import Run, read_header
from imgclf.tables import write_csv


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
        manifest: the file to write: a CSV with absolute paths, so that it may lie anywhere, or Parquet with the images
            themselves.
        data_dir: where registered datasets live.
        overwrite: replace a manifest that is there already.

    Raises:
        DataError: the review is broken or changes nothing, the manifest exists, or the dataset's images are not
            files that a CSV could name.
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
    dataset = open_dataset(config.data.dataset, data_dir, wishes=wishes_of(config.data))
    splits = read_split(run.splits, dataset)[0] if run.splits.is_file() else None
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
    rows, changed, dropped = _rows(dataset, parts, changes)
    if manifest.suffix.lower() == ".parquet":
        _write_parquet(manifest, rows)
    else:
        _write_csv(manifest, rows, dataset.info.name)
    return Relabelled(manifest, len(rows), changed, dropped)


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


@dataclass(frozen=True, eq=False)
class _Row:
    """A line of the manifest."""

    source: ImageSource
    label: str
    split: str
    group: str


def _rows(
    dataset: Dataset, parts: Mapping[str, Examples], changes: Mapping[tuple[str, str], str]
) -> tuple[list[_Row], int, int]:
    """Return the lines of the manifest, how many labels changed and how many images were left out."""
    rows: list[_Row] = []
    changed = dropped = 0
    for split, part in parts.items():
        for index, file in enumerate(part.files):
            new = changes.get((split, file))
            if new == DROP:
                dropped += 1
                continue
            label = new or dataset.class_names[part.labels[index]]
            rows.append(_Row(part.images[index], label, split, part.groups[index] if part.groups else ""))
            changed += new is not None
    return rows, changed, dropped


def _write_csv(path: Path, rows: Sequence[_Row], dataset: str) -> None:
    if not all(isinstance(row.source, Path) for row in rows):
        raise DataError(
            f"The images of '{dataset}' are not files of their own, and a CSV manifest names files. Give a Parquet "
            f"file, which holds the images themselves: --output {path.with_suffix('.parquet')}"
        )
    grouped = any(row.group for row in rows)
    cells = []
    for row in rows:
        source = row.source.absolute() if isinstance(row.source, Path) else ""
        cells.append([source, row.label, row.split, *([row.group] if grouped else [])])
    write_csv(path, ["path", "label", "split", *(["group"] if grouped else [])], cells)


def _write_parquet(path: Path, rows: Sequence[_Row]) -> None:
    import pyarrow as pa  # noqa: PLC0415 - 0.1 s that a CSV does without
    import pyarrow.parquet as pq  # noqa: PLC0415

    columns = {
        "image": pa.array([_encoded(row.source) for row in rows], pa.binary()),
        "label": [row.label for row in rows],
        "split": [row.split for row in rows],
    }
    if any(row.group for row in rows):
        columns["group"] = [row.group for row in rows]
    table = pa.table(columns)
    write_atomically(path, lambda file: pq.write_table(table, file))


def _encoded(source: ImageSource) -> bytes:
    """Return an image as it is stored, or bare pixels as a PNG, which keeps every one of them."""
    if isinstance(source, bytes):
        return source
    if isinstance(source, Path):
        return source.read_bytes()
    content = io.BytesIO()
    read_image(source).save(content, format="PNG")
    return content.getvalue()
