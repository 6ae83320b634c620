"""The images to explain, one by one: what was given, what it is called, what it shows."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.data import read_image, read_input
from imgclf.errors import ImageError
from imgclf.inference import Source, as_sources, source_name
from imgclf.records import Preprocessing, UnreadableImage


@dataclass(frozen=True, eq=False)
class Subject:
    """An image to explain.

    Attributes:
        source: a path, an encoded image, a PIL image, pixels, or a file known to be unreadable.
        name: what a person calls it.
        true_label: the class's name, None where nobody knows.
    """

    source: Source
    name: str
    true_label: str | None = None


@dataclass(frozen=True, eq=False)
class Opened:
    """A subject that was read, or why it could not be.

    Attributes:
        subject: the subject.
        image: the original, upright, RGB; None with an error.
        pixels: the model's input, uint8 (H, W, C); None with an error.
        error: why it cannot be read.
    """

    subject: Subject
    image: Image.Image | None = None
    pixels: np.ndarray | None = None
    error: str | None = None


def as_subjects(
    given: Source | Subject | Iterable[Source | Subject], class_names: Sequence[str]
) -> Iterator[Subject]:
    """Yield subjects; a file in a folder that is named after a class is taken to show that class."""
    if isinstance(given, Subject):
        yield given
        return
    sources: Iterable[Source | Subject] = as_sources(given)  # type: ignore[arg-type]  # subjects pass through it
    for index, source in enumerate(sources):
        if isinstance(source, Subject):
            yield source
            continue
        name = source_name(source, index)
        folder = Path(name).parent.name if isinstance(source, str | Path) else ""
        yield Subject(source, name, folder if folder in class_names else None)


def open_subject(subject: Subject, spec: Preprocessing) -> Opened:
    """Read an image as the model is given it, and as a person sees it."""
    source = subject.source
    if isinstance(source, UnreadableImage):
        return Opened(subject, error=source.reason)
    given = Path(source) if isinstance(source, str) else source
    try:
        image = read_image(given, channels=3, name=subject.name)
        pixels, _ = read_input(given, spec, name=subject.name)
        return Opened(subject, image, pixels)
    except ImageError as error:
        return Opened(subject, error=error.reason)
