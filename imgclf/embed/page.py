"""The interactive page: maps that answer to hover, filter, search and lasso, with nothing loaded from outside."""

import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Any

import numpy as np
from markupsafe import Markup

from imgclf.embed.extraction import Extraction
from imgclf.embed.geometry import Geometry
from imgclf.embed.maps import Map
from imgclf.embed.sprite import cut_out
from imgclf.figures import class_colour, legend
from imgclf.reports import (
    GalleryItem,
    Section,
    Tile,
    data_uri,
    gallery_html,
    html_page,
    meter_html,
    sentence_html,
    table_html,
    tiles_html,
)
from imgclf.words import counted, percent

_SHOWN = 24  # images in a gallery


def embed_page(
    title: str,
    extraction: Extraction,
    class_names: Sequence[str],
    maps: Sequence[Map],
    geometry: Geometry,
    metrics: Mapping[str, Any],
) -> str:
    """Return the whole HTML document.

    Args:
        title: plain text.
        extraction: the embeddings with their images.
        class_names: in index order.
        maps: the projections; the first is shown first.
        geometry: measured in feature space.
        metrics: all figures as plain values.
    """
    sections = [
        Section(
            "Map",
            sentence_html(metrics["sentence"])
            + _numbers(class_names)
            + _scatter(extraction, class_names, maps),
        ),
        Section("Figures", _figures(maps, metrics)),
        Section("Likely label errors", _suspects(extraction, geometry, class_names)),
        Section("Outliers", _outliers(extraction, geometry, class_names)),
    ]
    count, width = extraction.embeddings.shape
    subtitle = f"{count:,} images, {width:,} features each"
    # Maps are better wide than narrow: this page takes more room than others.
    head = f"<style>main, header.page, footer {{ max-width: 1400px; }}\n{_part('scatter.css')}</style>"
    return html_page(title, subtitle, sections, head_html=head)


def _numbers(class_names: Sequence[str]) -> Markup:
    """Say which classes the numbers in the PNG files are, where these cannot show the names."""
    numbers = legend(class_names)
    return sentence_html(numbers, "note") if numbers else Markup("")


def _scatter(extraction: Extraction, class_names: Sequence[str], maps: Sequence[Map]) -> Markup:
    data = json.dumps(_data(extraction, class_names, maps), separators=(",", ":"))
    body = _part("scatter.html")
    # "</script>" in a file name must not end the script that holds it.
    script = (
        f'<script type="application/json" id="mapdata">{data.replace("<", chr(92) + "u003c")}</script>\n'
        f"<script>\n{_part('scatter.js')}</script>\n"
    )
    return Markup(body + script)


def _part(name: str) -> str:
    return files("imgclf.embed").joinpath(name).read_text(encoding="utf-8")


def _data(extraction: Extraction, class_names: Sequence[str], maps: Sequence[Map]) -> dict[str, Any]:
    predictions, confidences, sprite = extraction.predictions, extraction.confidences, extraction.sprite
    return {
        "classes": list(class_names),
        "colours": [class_colour(label, len(class_names)) for label in range(len(class_names))],
        "maps": [{"name": item.name, "axes": _axes(item.points)} for item in maps],
        "files": list(extraction.examples.files),
        "labels": extraction.examples.labels.tolist(),
        "predictions": None if predictions is None else predictions.tolist(),
        "confidences": None if confidences is None else confidences.astype(float).round(4).tolist(),
        "sprite": data_uri(sprite.jpeg),
        "columns": sprite.columns,
        "size": list(sprite.size),
    }


def _axes(points: np.ndarray) -> list[list[int]]:
    """Return coordinates as whole numbers up to 10,000: a tenth of a pixel on any screen, in half the bytes."""
    scale = 10_000 / max(float(np.abs(points).max()), 1e-12)
    axes: list[list[int]] = (points * scale).round().astype(int).T.tolist()
    return axes


def _figures(maps: Sequence[Map], metrics: Mapping[str, Any]) -> Markup:
    head = metrics["head_accuracy"]
    voters = counted(metrics["neighbors"], "neighbour")
    tiles = []
    if metrics["knn_accuracy"] is not None:
        tiles.append(Tile(f"accuracy of {voters}", percent(metrics["knn_accuracy"]), "in feature space"))
    if head is not None:
        tiles.insert(0, Tile("accuracy of the head", f"{head:.1%}", "on the same images"))
    silhouette = metrics["silhouette"]
    if silhouette is not None:
        tiles.append(Tile("silhouette", f"{silhouette:.3f}", "from -1 (mixed) to 1 (apart)"))
    compared = table_html(
        ("map", "neighbours kept", "trustworthiness", "accuracy on the map", "in its features", "seconds"),
        [
            (
                item.name,
                f"{item.fidelity.neighbors_kept:.1%}",
                f"{item.fidelity.trustworthiness:.3f}",
                percent(item.fidelity.knn_accuracy),
                percent(item.features_knn),
                f"{item.seconds:.1f}",
            )
            for item in maps
        ],
    )
    explained = sentence_html(
        "Neighbours kept: how many of an image's 15 nearest in feature space are among its 15 nearest on the map. "
        f"Trustworthiness: how few strangers come between (1 is best). Accuracy: {voters} vote on the label."
    )
    return tiles_html(tiles) + compared + explained + _classes(metrics) + _overlaps(metrics)


def _classes(metrics: Mapping[str, Any]) -> Markup:
    rows = [
        (
            row["class"],
            f"{row['images']:,}",
            ""
            if row["knn_accuracy"] is None
            else meter_html(row["knn_accuracy"], f"{row['knn_accuracy']:.1%}"),
            "" if row["silhouette"] is None else f"{row['silhouette']:.3f}",
        )
        for row in metrics["classes"]
    ]
    voters = counted(metrics["neighbors"], "neighbour")
    return table_html(("class", "images", f"accuracy of {voters}", "silhouette"), rows)


def _overlaps(metrics: Mapping[str, Any]) -> Markup:
    rows = [
        (pair["class"], pair["other"], meter_html(pair["share"], f"{pair['share']:.1%}"))
        for pair in metrics["overlaps"]
    ]
    return table_html(("class", "its neighbours are", "share"), rows) if rows else Markup("")


def _suspects(extraction: Extraction, geometry: Geometry, class_names: Sequence[str]) -> Markup:
    found = geometry.suspects
    if not len(found):
        return sentence_html("No image has neighbours that all agree on another label.", "good")
    text = (
        "The 10 nearest images agree, none of them with this image's label: the label may be wrong, or the image is a "
        "hard one."
    )
    if len(found) > _SHOWN:
        text += f" Shown are {_SHOWN} of {len(found):,}; metrics.json lists all."
    return sentence_html(text) + _gallery(extraction, found[:_SHOWN], geometry, class_names)


def _outliers(extraction: Extraction, geometry: Geometry, class_names: Sequence[str]) -> Markup:
    text = "Farther from their nearest images than is usual in their class."
    return sentence_html(text) + _gallery(extraction, geometry.outliers, geometry, class_names)


def _gallery(
    extraction: Extraction, indices: np.ndarray, geometry: Geometry, class_names: Sequence[str]
) -> Markup:
    labels = extraction.examples.labels
    items = []
    for index, image in zip(indices, cut_out(extraction.sprite, indices), strict=True):
        votes = np.bincount(labels[geometry.neighbors[index][:10]])
        lines = [f"neighbours: {class_names[int(votes.argmax())]} ({votes.max()} of {votes.sum()})"]
        if extraction.predictions is not None:
            lines.append(f"predicted: {class_names[extraction.predictions[index]]}")
        lines.append(extraction.examples.files[index])
        title = f"label: {class_names[labels[index]]}"
        items.append(GalleryItem(image, title, "\n".join(lines), extraction.sprite.size[1]))
    return gallery_html(items)
