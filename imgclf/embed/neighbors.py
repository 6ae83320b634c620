"""The nearest images to one image, by what a model sees in them."""

import io
import re
from dataclasses import astuple, dataclass, fields
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.atomic import write_text
from imgclf.data import Examples, ImageSource, read_image, thumbnail
from imgclf.embed.extraction import Extraction, extract
from imgclf.embed.options import Options
from imgclf.embed.session import features_of
from imgclf.embed.subject import Subject
from imgclf.errors import ImageError, UsageError, suggest
from imgclf.figures import GalleryTile, image_gallery
from imgclf.records import OnProgress
from imgclf.reports import GalleryItem, Section, gallery_html, html_page
from imgclf.tables import write_csv

_SIDE = 192


@dataclass(frozen=True)
class Neighbor:
    """An image near another.

    Attributes:
        rank: from 1, nearest first.
        file: its name.
        label: its class.
        prediction: the predicted class, None without a trained head.
        distance: Euclidean, between the features of the two.
    """

    rank: int
    file: str
    label: str
    prediction: str | None
    distance: float


@dataclass(frozen=True, eq=False)
class NeighborsResult:
    """The nearest images to one.

    Attributes:
        image: the image asked for.
        neighbors: nearest first.
        reused: whether the features were saved before.
        sentence: what labels the neighbours have.
        files: what was written.
    """

    image: str
    neighbors: tuple[Neighbor, ...]
    reused: bool
    sentence: str
    files: tuple[Path, ...]


def find_neighbors(
    subject: Subject,
    image: str,
    count: int = 12,
    out: Path | None = None,
    options: Options | None = None,
    progress: OnProgress = None,
) -> NeighborsResult:
    """Find the nearest images to ``image``, and write them as CSV, PNG and page.

    Args:
        subject: the images to look among, and what makes their features.
        image: a file, or the name of one of the images as ``index.csv`` has it.
        count: how many; clamped to the other images.
        out: where the features are or go; None is the subject's own folder.
        options: ``limit``, ``seed`` and ``device`` count.
        progress: told phase and share.

    Raises:
        UsageError: there is no such file or image.
        ImageError: the file cannot be read.
        ImgclfError: of the kind that fits.
    """
    options = options or Options()
    folder = out or subject.folder
    extraction, reused, files = features_of(subject, folder, options, progress)
    own = _place(image, extraction.examples)
    if own is None:
        source: ImageSource = Path(image)
        vector = _vector(source, image, extraction, subject, options)
    else:
        source, vector = extraction.examples.images[own], extraction.embeddings[own]
    order, distances = _nearest(vector, extraction.embeddings, own, count)
    found = [_neighbor(rank + 1, at, distances[at], extraction, subject) for rank, at in enumerate(order)]
    sentence = _sentence(found)
    name = Path(image).name if own is None else str(extraction.examples.files[own])
    stem = folder / "neighbors" / (_file_name(name) or "image")
    pictures = [_picture(source, image)] + [
        _picture(extraction.examples.images[at], item.file) for at, item in zip(order, found, strict=True)
    ]
    files += _write(stem, name, _own_label(own, extraction, subject), found, pictures, sentence)
    return NeighborsResult(image, tuple(found), reused, sentence, tuple(files))


def _file_name(name: str) -> str:
    """Return an image's name without its ending, as one file name.

    >>> _file_name("test/cat/0012.jpg")
    'test-cat-0012'
    """
    return re.sub(r"[^\w-]+", "-", re.sub(r"\.\w{2,4}$", "", name)).strip("-")[-80:]


def _place(image: str, examples: Examples) -> int | None:
    """Return which of the images is meant, or None for a file that is none of them.

    Raises:
        UsageError: it is neither an image's name nor a file.
    """
    files = list(examples.files)
    if image in files:
        return files.index(image)
    path = Path(image)
    if not path.is_file():
        raise UsageError(
            f"There is no file '{image}', and none of the {len(files):,} images has this name."
            f"{suggest(image, files)} index.csv lists the names."
        )
    resolved = path.resolve()
    for at, source in enumerate(examples.images):
        if isinstance(source, Path) and source.name == path.name and source.resolve() == resolved:
            return at
    return None


def _vector(
    source: ImageSource, name: str, extraction: Extraction, subject: Subject, options: Options
) -> np.ndarray:
    one = Examples(images=[source], labels=np.zeros(1, np.int64), files=[name])
    read_image(source, name=name)  # says what is wrong with it
    made = extract(one, subject.preprocessing, subject.features(options))
    vector: np.ndarray = made.embeddings[0]
    return vector


def _nearest(
    vector: np.ndarray, embeddings: np.ndarray, own: int | None, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """Return the indices of the nearest, nearest first, and the distances of all."""
    distances = np.linalg.norm(embeddings - vector, axis=1)
    ranked = np.argsort(distances, kind="stable")
    return ranked[ranked != own][:count], distances


def _neighbor(rank: int, at: int, distance: float, extraction: Extraction, subject: Subject) -> Neighbor:
    predictions, names = extraction.predictions, subject.class_names
    return Neighbor(
        rank=rank,
        file=extraction.examples.files[at],
        label=names[extraction.examples.labels[at]],
        prediction=None if predictions is None else names[predictions[at]],
        distance=round(float(distance), 4),
    )


def _own_label(own: int | None, extraction: Extraction, subject: Subject) -> str:
    return "" if own is None else subject.class_names[extraction.examples.labels[own]]


def _sentence(found: list[Neighbor]) -> str:
    labels = [item.label for item in found]
    counts = sorted({label: labels.count(label) for label in labels}.items(), key=lambda pair: -pair[1])
    most = ", ".join(f"{number} '{label}'" for label, number in counts[:4])
    return f"Of the {len(found)} nearest images: {most}{' and others' if len(counts) > 4 else ''}."


def _picture(source: ImageSource, name: str) -> np.ndarray:
    try:
        image = read_image(source, name=name)
    except ImageError:
        image = Image.new("RGB", (_SIDE, _SIDE), "#888888")
    return np.asarray(thumbnail(image, _SIDE))


def _write(
    stem: Path, image: str, own_label: str, found: list[Neighbor], pictures: list[np.ndarray], sentence: str
) -> list[Path]:
    table, picture, page = (stem.with_name(f"{stem.name}{end}") for end in (".csv", ".png", ".html"))
    write_csv(table, [field.name for field in fields(Neighbor)], map(astuple, found))
    title = f"Nearest to {image}"
    captions = [("this image", own_label, ""), *(_caption(item) for item in found)]
    names = [image, *(item.file for item in found)]
    shown = list(zip(pictures, captions, names, strict=True))
    # A folder's name would run into the next picture's: the file's alone fits.
    tiles = [GalleryTile(pixels, (*filter(None, lines), Path(name).name)) for pixels, lines, name in shown]
    image_gallery(tiles, picture, title=title, columns=5)
    items = [
        GalleryItem(_png(pixels), lines[0], "\n".join((*filter(None, lines[1:]), name)), pixels.shape[1])
        for pixels, lines, name in shown
    ]
    page_html = html_page(title, sentence, [Section("Images", gallery_html(items))])
    write_text(page, page_html)
    return [table, picture, page]


def _caption(item: Neighbor) -> tuple[str, str, str]:
    guess = f"seen as {item.prediction}" if item.prediction not in (None, item.label) else ""
    return f"{item.rank}. {item.label}", f"distance {item.distance:.3g}", guess


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()
