"""Write what was found for an image: the panel, the overlays, the raw maps, and a row for each in the index."""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.atomic import write_atomically
from imgclf.data import encode_thumbnail, thumbnail
from imgclf.explain.explanations import Explanation
from imgclf.explain.report import Explained, ExplainedMap
from imgclf.explain.saliency import Saliency
from imgclf.figures import PanelMap, colorize, overlay, saliency_panel
from imgclf.folders import safe_name
from imgclf.records import Prediction, Preprocessing
from imgclf.tables import write_csv

_COLUMNS = (
    "file", "label", "confidence", "true_label", "target", "target_confidence", "method", "layer", "layer_index",
    "state", "highest", "panel", "overlay", "map", "error",
)  # fmt: skip
_CARD = 256  # pixels of a picture's longer side on the page
_LONGEST = 40  # letters of a file's name that are kept


@dataclass(frozen=True)
class Look:
    """How overlays look.

    Attributes:
        colormap: a name of matplotlib's.
        opacity: in [0, 1].
    """

    colormap: str
    opacity: float


def write_explanation(
    folder: Path, number: int, explanation: Explanation, spec: Preprocessing, look: Look
) -> tuple[Explained, tuple[bytes, ...]]:
    """Write the files of one image.

    Args:
        folder: gets ``panels/``, ``overlays/`` and ``maps/``.
        number: of the image, from 1; begins the files' names, so that no two images share one.
        explanation: what was found.
        spec: the model's preprocessing.
        look: of the overlays.

    Returns:
        The record, and small pictures for the page: the original, and the map where there is one only; none where
        the image could not be explained.
    """
    image, prediction, subject = explanation.opened.image, explanation.prediction, explanation.opened.subject
    if image is None or prediction.error is not None:
        return Explained(prediction.file, true_label=subject.true_label, error=prediction.error), ()
    stem = f"{number:04d}-{safe_name(Path(prediction.file).stem)[:_LONGEST]}"
    original = np.asarray(image)
    maps, tiles = [], []
    for saliency in explanation.maps:
        values = saliency.on_original((image.height, image.width), spec)
        name = stem if len(explanation.maps) == 1 else f"{stem}.{safe_name(describe(saliency))}"
        laid = overlay(original, values, look.colormap, look.opacity if saliency.state == "ok" else 0.0)
        maps.append(_write_map(folder, name, saliency, laid))
        tiles.append(PanelMap(values, _lines(saliency), _blank(saliency)))
    panel = saliency_panel(
        folder / "panels" / f"{stem}.png",
        image,
        tiles,
        title(prediction, subject.true_label),
        caption=Path(prediction.file).name,
        colormap=look.colormap,
        opacity=look.opacity,
    )
    small = [card_picture(image)]
    if len(tiles) == 1 and not tiles[0].blank:
        small.append(card_picture(Image.fromarray(colorize(tiles[0].values, look.colormap))))
    record = Explained(
        file=prediction.file,
        label=prediction.label,
        title=title(prediction, subject.true_label),
        confidence=prediction.confidence,
        true_label=subject.true_label,
        panel=panel,
        maps=tuple(maps),
    )
    return record, tuple(small)


def write_index(path: Path, images: Iterable[Explained]) -> Path:
    """Write ``index.csv``: a row for each map, and one for an image without any, with its error."""
    rows: list[tuple[object, ...]] = []
    for image in images:
        confidence = "" if image.confidence is None else f"{image.confidence:.6g}"
        head = (image.file, image.label, confidence, image.true_label)
        for one in image.maps:
            files = [_inside(path.parent, each) for each in (image.panel, one.overlay, one.map)]
            numbers = (f"{one.target_confidence:.6g}", one.method, one.layer, one.layer_index)
            rows.append((*head, one.target, *numbers, one.state, f"{one.highest:.6g}", *files, ""))
        if not image.maps:
            rows.append((*head, *[""] * (len(_COLUMNS) - 5), image.error))
    write_csv(path, _COLUMNS, rows)
    return path


def title(prediction: Prediction, true_label: str | None) -> str:
    """Return what the model says of an image, and what it shows where that differs: "cat (93.2 %), truly dog"."""
    best = prediction.top_k[0][0] if prediction.top_k else prediction.label
    said = f"{best} ({100 * (prediction.confidence or 0):.1f} %)"
    if prediction.label != best:
        said = f"{prediction.label}, at best {said}"
    return said if true_label in (None, best) else f"{said}, truly {true_label}"


def describe(saliency: Saliency | ExplainedMap) -> str:
    """Return what tells one map of an image from the others: "gradcam features.28 cat"."""
    return " ".join(part for part in (saliency.method, saliency.layer, saliency.target) if part)


def card_picture(image: Image.Image) -> bytes:
    """Encode an image to fit a card of the page."""
    return encode_thumbnail(thumbnail(image, _CARD))[0]


def _write_map(folder: Path, name: str, saliency: Saliency, laid: np.ndarray) -> ExplainedMap:
    overlay_path, map_path = folder / "overlays" / f"{name}.png", folder / "maps" / f"{name}.npy"
    picture = Image.fromarray(laid)
    write_atomically(overlay_path, lambda file: picture.save(file, format="PNG"))
    write_atomically(map_path, lambda file: np.save(file, saliency.raw))
    return ExplainedMap(
        target=saliency.target,
        target_confidence=saliency.target_confidence,
        method=saliency.method,
        layer=saliency.layer,
        layer_index=saliency.layer_index,
        state=saliency.state,
        highest=float(saliency.raw.max(initial=0.0)),
        overlay=overlay_path,
        map=map_path,
    )


def _lines(saliency: Saliency) -> tuple[str, ...]:
    where = f"{saliency.method} · {saliency.layer}" if saliency.layer else saliency.method
    return where, f"for {saliency.target} ({100 * saliency.target_confidence:.1f} %)"


def _blank(saliency: Saliency) -> str:
    return {"ok": "", "empty": "empty: no evidence", "flat": "flat: the same everywhere"}[saliency.state]


def _inside(folder: Path, path: Path | None) -> str:
    return "" if path is None else path.relative_to(folder).as_posix()
