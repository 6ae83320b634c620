"""The records that ``explain`` returns and ``index.csv`` holds: names and numbers, no pixels."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imgclf.explain.check import CheckRow
from imgclf.explain.saliency import State


@dataclass(frozen=True)
class ExplainedMap:
    """One map of one image.

    Attributes:
        target: the class that is explained.
        target_confidence: its probability, in [0, 1].
        method: the method's name.
        layer: the layer's name; an empty string for a map of the pixels themselves.
        layer_index: the layer's place in forward order; None without a layer.
        state: ``ok``, ``empty`` or ``flat``.
        highest: the raw map's maximum; logits per unit of activation, comparable within a method and layer.
        overlay: the PNG in the original's size and coordinates.
        map: the raw map, ``.npy``, float32 (h, w) over the model's input.
    """

    target: str
    target_confidence: float
    method: str
    layer: str
    layer_index: int | None
    state: State
    highest: float
    overlay: Path
    map: Path


@dataclass(frozen=True)
class Explained:
    """What was found for one image.

    Attributes:
        file: the image's name.
        label: the predicted class, ``unknown`` below the model's threshold; None with an error.
        title: label, confidence and what it truly shows, for a person.
        confidence: of the most probable class; None with an error.
        true_label: what the image shows, None where nobody knows.
        panel: the PNG of original, maps and overlays; None with an error.
        maps: one for each target, method and layer.
        error: why there is no explanation.
    """

    file: str
    label: str | None = None
    title: str = ""
    confidence: float | None = None
    true_label: str | None = None
    panel: Path | None = None
    maps: tuple[ExplainedMap, ...] = ()
    error: str | None = None


@dataclass(frozen=True)
class ExplainReport:
    """What ``explain`` made.

    Attributes:
        folder: where everything was written.
        images: one record an image, in the order given.
        page: ``explain.html``.
        index: ``index.csv``.
        seconds: how long it took.
        checks: how the maps did against a random one and the image's centre; empty where that was not asked for.
    """

    folder: Path
    images: tuple[Explained, ...]
    page: Path
    index: Path
    seconds: float
    checks: tuple[CheckRow, ...] = ()

    @property
    def unreadable(self) -> tuple[Explained, ...]:
        """The images without an explanation."""
        return tuple(image for image in self.images if image.error is not None)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON."""
        return {
            "folder": str(self.folder),
            "page": str(self.page),
            "index": str(self.index),
            "seconds": round(self.seconds, 2),
            "checks": [asdict(row) for row in self.checks],
            "images": [_image_dict(image) for image in self.images],
        }


def _image_dict(image: Explained) -> dict[str, Any]:
    return {
        "file": image.file,
        "label": image.label,
        "confidence": image.confidence,
        "true_label": image.true_label,
        "panel": None if image.panel is None else str(image.panel),
        "maps": [{**vars(one), "overlay": str(one.overlay), "map": str(one.map)} for one in image.maps],
        "error": image.error,
    }
