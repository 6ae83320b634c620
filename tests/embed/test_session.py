"""Embedding a real run: what is written fits together, and the features are the model's own."""

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from imgclf.embed import Options, embed_run, embed_untrained
from imgclf.embed.session import describe
from imgclf.errors import DataError
from imgclf.inference import Predictor
from imgclf.runs import Run


def test_writes_features_maps_and_figures(shapes_run_copy: Run, shapes: Path) -> None:
    """Every file is there, row for row the same images, and the features are those of the predictor."""
    result = embed_run(shapes_run_copy, options=Options(methods=("tsne", "pca")))
    folder = shapes_run_copy.path / "embed"
    embeddings = np.load(folder / "embeddings.npy")
    with (folder / "index.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(embeddings) == len(rows) == result.images == 24
    assert result.geometry.knn_accuracy > 0.8
    for name in ("tsne.png", "pca.png", "tsne.csv", "pca.csv", "embed.html", "projector/vectors.tsv"):
        assert (folder / name).stat().st_size > 100, name
    table = pq.read_table(folder / "embeddings.parquet")
    np.testing.assert_allclose(np.stack(table["embedding"].to_numpy()), embeddings)
    predictor = Predictor.open(shapes_run_copy.path, device="cpu")
    path = next(shapes.rglob(f"test/{rows[0]['label']}/00.png"))
    expected = predictor.embed(predictor.prepare(path).pixels[None])[0]
    row = next(at for at, entry in enumerate(rows) if entry["file"].endswith(f"{rows[0]['label']}/00.png"))
    np.testing.assert_allclose(embeddings[row], expected, rtol=1e-4, atol=1e-5)


def test_metrics_are_plain_json(shapes_run_copy: Run) -> None:
    """A program reads accuracy, silhouette and the sentence."""
    result = embed_run(shapes_run_copy, options=Options(methods=("pca",)))
    metrics = json.loads((result.folder / "metrics.json").read_text())
    assert metrics["head_accuracy"] == result.head_accuracy
    assert metrics["projections"]["pca"]["trustworthiness"] <= 1
    assert metrics["sentence"] == result.sentence


def test_pixels_need_no_model(shapes: Path, tmp_path: Path) -> None:
    """Before any training; a sample of the images on request."""
    result = embed_untrained(str(shapes), tmp_path / "out", options=Options(methods=("pca",), limit=12))
    assert result.images == 12
    assert result.head_accuracy is None
    assert np.load(tmp_path / "out" / "embeddings.npy").shape == (12, 32 * 32 * 3)


def test_the_page_holds_its_data_and_ends_no_script_early(shapes_run_copy: Run) -> None:
    """Everything is inside the page, and no "<" of the data is left in it."""
    embed_run(shapes_run_copy, options=Options(methods=("pca",)))
    page = (shapes_run_copy.path / "embed" / "embed.html").read_text()
    data = page.split('id="mapdata">')[1].split("</script>")[0]
    assert "<" not in data
    values = json.loads(data)
    assert len(values["files"]) == len(values["labels"]) == len(values["projections"]["PCA"][0]) == 24
    assert "https://" not in page
    assert "http://" not in page


def test_a_dataset_without_images_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the split asked for nor train."""
    from imgclf.embed import session

    original = session.open_dataset

    def only_val(*arguments: object, **named: object) -> object:
        from dataclasses import replace

        dataset = original(*arguments, **named)
        return replace(dataset, splits={"val": dataset.splits["train"]})

    monkeypatch.setattr(session, "open_dataset", only_val)
    with pytest.raises(DataError, match="The dataset 'digits' has neither test nor train images"):
        embed_untrained("digits", tmp_path)


@pytest.mark.parametrize(
    ("neighbours", "head", "words"),
    [
        (0.9, None, "share an image's label for 90.0% of the images"),
        (0.9, 0.91, "agrees with the geometry"),
        (0.7, 0.9, "separated, but not in compact groups"),
        (0.9, 0.7, "more than the head makes of them"),
    ],
)
def test_the_sentence_compares_head_and_geometry(neighbours: float, head: float | None, words: str) -> None:
    """Agreement, a better head, better neighbours, and no head."""
    text = describe(neighbours, head, [("cat", "dog", 0.12)])
    assert words in text
    assert text.endswith("The closest pair: 12% of the neighbours of 'cat' are 'dog'.")
