"""Images that a run keeps: ten examples to try the model on, and its worst errors.

They make a run complete without its dataset, which may be gone or on another machine. A folder holds them as PNG or
JPEG with an ``index.csv``:

    file           the image's name in the folder
    source         what the dataset calls it
    true_label     the class that the dataset gives it
    label          what the model said, where it is an error; empty for an example
    confidence     of that
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import IO

import numpy as np

from imgclf.atomic import write_atomically
from imgclf.data import Examples, ImageSource, read_image, thumbnail
from imgclf.errors import ImageError
from imgclf.runs.directory import Run
from imgclf.tables import read_csv, write_csv

EXAMPLES = "examples"
MISCLASSIFIED = "misclassified"

_INDEX = "index.csv"
_COLUMNS = ("file", "source", "true_label", "label", "confidence")
_AS_IT_IS = {b"\x89PNG\r\n\x1a\n": ".png", b"\xff\xd8\xff": ".jpg"}
_MOST_BYTES = 500_000  # a larger file is made smaller: a run is no place for photos of 50 megapixels
_SIDE = 1024
_SMALL = 256  # up to this side PNG, which is exact


@dataclass(frozen=True)
class KeptImage:
    """An image in a run.

    Attributes:
        path: the image file.
        source: what the dataset calls it.
        true_label: the dataset's class.
        label: the model's wrong answer, empty for an example.
        confidence: of that answer, in [0, 1]; None for an example.
    """

    path: Path
    source: str
    true_label: str
    label: str = ""
    confidence: float | None = None


@dataclass(frozen=True, eq=False)
class ToKeep:
    """An image that a run shall keep; the fields are those of :class:`KeptImage`."""

    image: ImageSource
    source: str
    true_label: str
    label: str = ""
    confidence: float | None = None


def keep_images(folder: Path, images: Iterable[ToKeep], most: int) -> None:
    """Write the first images that can be read, in place of those that were kept before.

    Args:
        folder: of the run.
        images: in order.
        most: how many.

    Raises:
        RunError: the folder cannot be written to.
    """
    for old in kept_images(folder):
        old.path.unlink(missing_ok=True)
    rows: list[tuple[str, ...]] = []
    for one in images:
        if len(rows) == most:
            break
        try:
            content, suffix = _encoded(one.image)
        except ImageError:
            continue
        name = f"{len(rows) + 1:02d}-{_plain(one.true_label)}{suffix}"
        write_atomically(folder / name, partial(_write, content))
        sure = "" if one.confidence is None else f"{one.confidence:.6f}"
        rows.append((name, one.source, one.true_label, one.label, sure))
    write_csv(folder / _INDEX, _COLUMNS, rows)


def kept_images(folder: Path) -> list[KeptImage]:
    """Return the images that were kept in a folder, in order; none where there is no such folder."""
    try:
        rows = read_csv(folder / _INDEX)
    except (OSError, ValueError):
        return []
    return [
        KeptImage(
            folder / Path(row["file"]).name,
            row["source"],
            row["true_label"],
            row["label"],
            float(row["confidence"]) if row["confidence"] else None,
        )
        for row in rows
    ]


def keep_examples(run: Run, examples: Examples, class_names: Sequence[str], count: int = 10) -> None:
    """Keep some images to try the model on, one of each class in turn.

    Args:
        run: the run.
        examples: a split that was not trained on.
        class_names: in index order.
        count: how many; where there are more classes, as many of them are taken evenly.
    """
    order = in_turn(examples.labels, len(class_names), count)
    images = (
        ToKeep(examples.images[index], examples.files[index], class_names[examples.labels[index]])
        for index in order
    )
    keep_images(run.path / EXAMPLES, images, count)


def in_turn(labels: np.ndarray, classes: int, count: int) -> list[int]:
    """Return all indices, int64 (N,), in an order that takes one of each class in turn.

    Args:
        labels: int64 (N,).
        classes: K.
        count: where K is more, only so many classes are taken first, evenly; the rest follow.
    """
    first = np.linspace(0, classes - 1, min(classes, count)).round().astype(np.int64)
    later = np.ones(classes, dtype=np.int64)
    later[first] = 0
    round_of = np.empty(len(labels), dtype=np.int64)  # the how-manieth of its class an image is
    for label in range(classes):
        places = np.flatnonzero(labels == label)
        round_of[places] = np.arange(len(places))
    order: list[int] = np.lexsort((labels, round_of, later[labels])).tolist()
    return order


def _encoded(source: ImageSource) -> tuple[bytes, str]:
    """Return an image as PNG or JPEG, byte for byte where it is such a file of modest size, and the file's ending."""
    image = read_image(source)  # refuses what no stage would read
    if isinstance(source, Path | bytes):
        content = source if isinstance(source, bytes) else source.read_bytes()
        suffix = next((end for start, end in _AS_IT_IS.items() if content.startswith(start)), None)
        if suffix and len(content) <= _MOST_BYTES:
            return content, suffix
    image = thumbnail(image, _SIDE)
    buffer = BytesIO()
    if max(image.size) <= _SMALL:
        image.save(buffer, "PNG")
        return buffer.getvalue(), ".png"
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue(), ".jpg"


def _write(content: bytes, file: IO[bytes]) -> None:
    file.write(content)


def _plain(label: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in label).strip("-")[:40] or "image"
