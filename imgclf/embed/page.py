"""The interactive page: a scatter that answers to hover, filter, search and lasso, with nothing loaded from outside."""

import base64
import io
import json
from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup
from PIL import Image

from imgclf.embed.extraction import Extraction
from imgclf.embed.geometry import Fidelity, Geometry
from imgclf.figures.scatter import class_colour
from imgclf.reports import Section, html_page, sentence_html, table_html

_SHEET_COLUMNS = 100
_NAMES = {"tsne": "t-SNE", "umap": "UMAP", "pca": "PCA"}


def embed_page(
    title: str,
    sentence: str,
    extraction: Extraction,
    class_names: tuple[str, ...],
    projections: Mapping[str, np.ndarray],
    geometry: Geometry,
    fidelity: Mapping[str, Fidelity],
) -> str:
    """Return the whole HTML document.

    Args:
        title: plain text.
        sentence: what the figures say, in one plain sentence.
        extraction: the embeddings with their images.
        class_names: in index order.
        projections: method -> float (N, 2 or 3).
        geometry: measured in feature space.
        fidelity: of each projection.
    """
    scatter = files("imgclf.embed").joinpath("scatter.html").read_text(encoding="utf-8")
    data = json.dumps(_data(extraction, class_names, projections), separators=(",", ":"))
    # "</script>" in a file name must not end the script that holds it.
    body = scatter.replace("__DATA__", data.replace("<", "\\u003c"))
    sections = [
        Section("Map", sentence_html(sentence) + Markup(body)),
        Section("Figures", _figures(geometry, fidelity, class_names)),
        Section("Odd ones", _odd_ones(extraction, geometry, class_names), open=False),
    ]
    subtitle = f"{len(extraction.embeddings):,} images, {extraction.embeddings.shape[1]} features each"
    return html_page(title, subtitle, sections)


def _data(
    extraction: Extraction, class_names: tuple[str, ...], projections: Mapping[str, np.ndarray]
) -> dict[str, Any]:
    predictions, confidences = extraction.predictions, extraction.confidences
    return {
        "classes": list(class_names),
        "colours": [class_colour(label, len(class_names)) for label in range(len(class_names))],
        "projections": {
            _NAMES[method]: [points[:, axis].astype(float).round(3).tolist() for axis in range(2)]
            for method, points in projections.items()
        },
        "files": list(extraction.examples.files),
        "labels": extraction.examples.labels.tolist(),
        "predictions": None if predictions is None else predictions.tolist(),
        "confidences": None if confidences is None else confidences.astype(float).round(4).tolist(),
        "sheet": _sheet(extraction.thumbnails),
        "columns": _SHEET_COLUMNS,
    }


def _sheet(thumbnails: np.ndarray) -> str:
    """All thumbnails in one JPEG: ten thousand pictures of their own would take the browser minutes."""
    count, side = len(thumbnails), thumbnails.shape[1]
    rows = -(-count // _SHEET_COLUMNS)
    grid = np.zeros((rows * _SHEET_COLUMNS, side, side, 3), np.uint8)
    grid[:count] = thumbnails
    grid = grid.reshape(rows, _SHEET_COLUMNS, side, side, 3).transpose(0, 2, 1, 3, 4)
    buffer = io.BytesIO()
    Image.fromarray(grid.reshape(rows * side, _SHEET_COLUMNS * side, 3)).save(buffer, "JPEG", quality=80)
    return "data:image/jpeg;base64," + base64.b64encode(buffer.getvalue()).decode("ascii")


def _figures(geometry: Geometry, fidelity: Mapping[str, Fidelity], class_names: tuple[str, ...]) -> str:
    whole = table_html(
        ("measure", "value"),
        [
            ("k-nearest-neighbour accuracy in feature space", f"{geometry.knn_accuracy:.1%}"),
            ("silhouette, from -1 to 1", f"{geometry.silhouette:.3f}"),
            *(
                (f"{_NAMES[name]}: trustworthiness", f"{value.trustworthiness:.3f}")
                for name, value in fidelity.items()
            ),
            *(
                (f"{_NAMES[name]}: neighbours kept", f"{value.neighbors_kept:.1%}")
                for name, value in fidelity.items()
            ),
        ],
    )
    classes = table_html(
        ("class", "silhouette"),
        [(name, f"{value:.3f}") for name, value in zip(class_names, geometry.class_silhouette, strict=True)],
    )
    overlaps = table_html(
        ("class", "its neighbours are", "share"),
        [(class_names[one], class_names[other], f"{share:.1%}") for one, other, share in geometry.overlaps],
    )
    return whole + classes + overlaps


def _odd_ones(extraction: Extraction, geometry: Geometry, class_names: tuple[str, ...]) -> str:
    examples = extraction.examples
    rows = [
        (kind, examples.files[index], class_names[examples.labels[index]])
        for kind, indices in (
            ("far from its class", geometry.outliers),
            ("no neighbour agrees", geometry.suspects),
        )
        for index in indices
    ]
    return table_html(("why", "file", "label"), rows)
