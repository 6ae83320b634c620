"""What a label format is: how one kind of folder or file of a person's own says which image has which label.

A third party writes one class and declares it in its own ``pyproject.toml``; ours come by the same road::

    [project.entry-points."imgclf.formats"]
    boxes = "boxes_plugin:Boxes"

``imgclf train --data PATH`` then reads what the format recognises; ``--data boxes:PATH`` settles it where several would.
"""

from functools import lru_cache
from pathlib import Path
from typing import Protocol, runtime_checkable

from imgclf.data.labels.reading import Reading, Wishes
from imgclf.plugins import ExtensionPoint


@runtime_checkable
class LabelFormat(Protocol):
    """One way in which labels lie beside images.

    Attributes:
        name: as in ``--data NAME:PATH``.
        summary: one sentence without a full stop, for ``imgclf datasets``.
        made_with: the tool and version whose output it was tried with, or "its documented form".
        reads: what is read, as a sentence.
        leaves_out: what is not, as a sentence.
        rank: formats of a lower rank are asked first: 10 for one with a file of its own name, 50 for tables, 90 for
            folders of classes, which nearly any folder looks like.
    """

    name: str
    summary: str
    made_with: str
    reads: str
    leaves_out: str
    rank: int

    def recognises(self, path: Path) -> bool:
        """Say whether a folder or file, which exists, is of this format; quick, also beside a million images."""
        ...

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return its rows; raise ``DataError`` where it cannot be used."""
        ...


FORMATS = ExtensionPoint(
    "imgclf.formats",
    "label format",
    LabelFormat,  # type: ignore[type-abstract]  # a protocol is what a plugin must satisfy
    "`name`, `summary`, `made_with`, `reads`, `leaves_out`, `rank`, `recognises(path)` and `read(path, wishes)`",
)


@lru_cache(maxsize=1)
def _loaded(declared: tuple[str, ...]) -> tuple[LabelFormat, ...]:
    found, _ = FORMATS.every()
    return tuple(sorted(found.values(), key=lambda format_: (format_.rank, format_.name)))


def label_formats() -> tuple[LabelFormat, ...]:
    """Return the formats in the order in which they are asked; those that do not load are passed over."""
    return _loaded(FORMATS.names())
