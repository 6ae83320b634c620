"""Embedding a real run: what is written fits together, features are the model's own and are made once."""

import csv
import io
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
from PIL import Image

from imgclf.embed import EmbedResult, Options, embed_subject, subject_of_run, subject_untrained
from imgclf.embed.summary import describe
from imgclf.errors import DataError, UsageError
from imgclf.inference import Predictor
from imgclf.runs import Run

PCA = Options(methods=("pca",))


@pytest.fixture(scope="module")
def embedded(shapes_run: Run, tmp_path_factory: pytest.TempPathFactory) -> EmbedResult:
    """The run's test images with two maps; tests only read it."""
    return embed_subject(
        subject_of_run(shapes_run, None, "test"),
        tmp_path_factory.mktemp("embed"),
        options=Options(methods=("tsne", "pca"), perplexity=5),
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    """Read a CSV file."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def test_writes_features_maps_and_figures(embedded: EmbedResult, shapes_run: Run, shapes: Path) -> None:
    """Every file is there, row for row the same images, and the features are those of the predictor."""
    folder = embedded.folder
    embeddings = np.load(folder / "embeddings.npy")
    rows = rows_of(folder / "index.csv")
    assert len(embeddings) == len(rows) == embedded.images == 24
    assert embedded.geometry.knn_accuracy > 0.8
    for name in ("tsne.png", "pca.png", "maps.png", "embed.html"):
        assert (folder / name).stat().st_size > 1000, name
    assert [row["file"] for row in rows_of(folder / "tsne.csv")] == [row["file"] for row in rows]
    predictor = Predictor.open(shapes_run.path, device="cpu")
    path = next(shapes.rglob(f"test/{rows[0]['label']}/00.png"))
    pixels = predictor.prepare(path).pixels
    assert pixels is not None
    expected = predictor.embed(pixels[None])[0]
    row = next(at for at, entry in enumerate(rows) if entry["file"].endswith(f"{rows[0]['label']}/00.png"))
    np.testing.assert_allclose(embeddings[row], expected, rtol=1e-4, atol=1e-5)
    answer = predictor.predict(path)[0]
    assert rows[row]["prediction"] == answer.label
    assert float(rows[row]["confidence"]) == pytest.approx(answer.confidence, abs=1e-4)


def test_other_tools_read_the_features(embedded: EmbedResult) -> None:
    """Parquet has a list column; TensorBoard's projector finds vectors, metadata and a picture with all thumbnails."""
    embeddings = np.load(embedded.folder / "embeddings.npy")
    table = pq.read_table(embedded.folder / "embeddings.parquet")
    text = ["file", "label", "prediction", "confidence", "embedding"]
    assert table.column_names == [*text, "x", "y", "tsne_x", "tsne_y", "pca_x", "pca_y", "image"]
    assert table["x"] == table["tsne_x"]
    places = np.column_stack([table[name].to_numpy() for name in ("pca_x", "pca_y")])
    np.testing.assert_array_equal(places, embedded.maps[1].points)
    with Image.open(io.BytesIO(table["image"][5].as_py()["bytes"])) as thumbnail:
        assert (thumbnail.format, thumbnail.size) == ("JPEG", (32, 32))
    np.testing.assert_allclose(np.stack(table["embedding"].to_numpy()), embeddings)
    projector = embedded.folder / "projector"
    vectors = np.loadtxt(projector / "vectors.tsv")
    np.testing.assert_allclose(vectors, embeddings, atol=1e-4 * np.abs(embeddings).max())
    assert (projector / "metadata.tsv").read_text().splitlines()[0] == "file\tlabel\tprediction\tconfidence"
    config = (projector / "projector_config.pbtxt").read_text()
    assert config.count("single_image_dim: 32") == 2
    with Image.open(projector / "sprite.jpg") as sprite:
        assert sprite.size == (5 * 32, 5 * 32)  # 24 images in the smallest square


def test_metrics_hold_every_figure(embedded: EmbedResult, shapes_run: Run) -> None:
    """A program reads what the table and the page show."""
    metrics = json.loads((embedded.folder / "metrics.json").read_text())
    assert metrics == json.loads(json.dumps(embedded.metrics))
    assert metrics["head_accuracy"] == embedded.head_accuracy
    assert metrics["knn_accuracy"] == embedded.geometry.knn_accuracy
    assert [row["class"] for row in metrics["classes"]] == ["circle", "square", "triangle"]
    assert sum(row["images"] for row in metrics["classes"]) == 24
    assert set(metrics["maps"]) == {"tsne", "pca"}
    assert 0 < metrics["maps"]["tsne"]["fidelity"]["neighbors_kept"] <= 1
    assert metrics["sentence"] == embedded.sentence
    files = {row["file"] for row in rows_of(embedded.folder / "index.csv")}
    assert {row["file"] for row in metrics["outliers"]} <= files


def test_a_second_map_takes_no_second_look(shapes_run_copy: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same model, data and split: features come from the folder, and the first map stays beside the second."""
    first = embed_subject(subject_of_run(shapes_run_copy, None, "test"), options=PCA)
    made = (first.folder / "embeddings.npy").stat().st_mtime_ns
    second = embed_subject(
        subject_of_run(shapes_run_copy, None, "test"), options=Options(methods=("tsne",), perplexity=5)
    )
    assert (first.reused, second.reused) == (False, True)
    assert (first.folder / "embeddings.npy").stat().st_mtime_ns == made
    assert [(item.method, item.new) for item in second.maps] == [("tsne", True), ("pca", False)]
    np.testing.assert_allclose(second.maps[1].points, first.maps[0].points, atol=1e-4)
    assert second.head_accuracy == first.head_accuracy
    third = embed_subject(
        subject_of_run(shapes_run_copy, None, "test"),
        options=Options(methods=("tsne",), perplexity=5, seed=1),
    )
    assert [(item.method, item.new) for item in third.maps] == [("tsne", True), ("pca", False)]


def test_other_images_are_looked_at_again(shapes_run_copy: Run) -> None:
    """A sample is not the whole split; maps of the whole are no maps of the sample."""
    embed_subject(
        subject_of_run(shapes_run_copy, None, "test"), options=Options(methods=("tsne",), perplexity=5)
    )
    folder = shapes_run_copy.path / "embed"
    other = embed_subject(
        subject_of_run(shapes_run_copy, None, "test"), options=Options(methods=("pca",), limit=12)
    )
    assert not other.reused
    assert [item.method for item in other.maps] == ["pca"]
    assert len(np.load(folder / "embeddings.npy")) == 12
    assert not (folder / "tsne.csv").exists()


@pytest.mark.parametrize("damage", ["embeddings.npy", "index.csv", "sprite.jpg", "features.json"])
def test_damaged_features_are_made_again(
    embedded: EmbedResult, shapes_run: Run, tmp_path: Path, damage: str
) -> None:
    """Whatever is missing or cut short, the result is the whole one."""
    for path in embedded.folder.glob("*.*"):
        (tmp_path / path.name).write_bytes(path.read_bytes()[: 40 if path.name == damage else None])
    if damage == "sprite.jpg":  # its bytes are not looked at
        (tmp_path / damage).unlink()
    result = embed_subject(subject_of_run(shapes_run, None, "test"), tmp_path, options=PCA)
    assert not result.reused
    np.testing.assert_array_equal(
        np.load(tmp_path / "embeddings.npy"), np.load(embedded.folder / "embeddings.npy")
    )


def test_maps_of_two_models_stand_side_by_side(embedded: EmbedResult, shapes: Path, tmp_path: Path) -> None:
    """Pixels beside the trained features, with their measures."""
    options = Options(methods=("pca",), compare=embedded.folder)
    result = embed_subject(subject_untrained(str(shapes), None, "test"), tmp_path / "pixels", options=options)
    assert [item.name for item in result.maps] == ["PCA", "t-SNE of resnet9", "PCA of resnet9"]
    assert result.maps[1].features_knn == embedded.geometry.knn_accuracy
    assert set(result.metrics["maps"]) == {"pca"}
    assert set(result.metrics["compared_maps"]) == {"t-SNE of resnet9", "PCA of resnet9"}
    assert (tmp_path / "pixels" / "maps.png").is_file()


def test_only_maps_of_the_same_images_are_compared(
    embedded: EmbedResult, shapes: Path, tmp_path: Path
) -> None:
    """A folder without maps, and a folder with maps of other images, are named."""
    nothing = Options(methods=("pca",), compare=tmp_path / "empty")
    with pytest.raises(
        UsageError, match=r"empty: holds no maps to compare with. Make them with imgclf embed"
    ):
        embed_subject(subject_untrained(str(shapes), None, "test"), tmp_path / "out", options=nothing)
    others = Options(methods=("pca",), compare=embedded.folder)
    with pytest.raises(
        UsageError, match=r"its maps are of other images than these. Compare maps of the same"
    ):
        embed_subject(subject_untrained(str(shapes), None, "train"), tmp_path / "out", options=others)


def test_pixels_need_no_model(shapes: Path, tmp_path: Path) -> None:
    """Before any training; a sample of the images on request, in three dimensions on request."""
    options = Options(methods=("pca",), limit=12, dimensions=3)
    result = embed_subject(subject_untrained(str(shapes), None, "test"), tmp_path / "out", options=options)
    assert result.images == 12
    assert result.head_accuracy is None
    assert np.load(tmp_path / "out" / "embeddings.npy").shape == (12, 32 * 32 * 3)
    assert list(rows_of(tmp_path / "out" / "pca.csv")[0]) == ["file", "x", "y", "z"]
    assert "share an image's label" in result.sentence


def page_data(folder: Path) -> dict[str, Any]:
    """Return what the page's script reads."""
    page = (folder / "embed.html").read_text(encoding="utf-8")
    text = page.split('id="mapdata">')[1].split("</script>")[0]
    assert "<" not in text
    values: dict[str, Any] = json.loads(text)
    return values


def test_the_page_holds_its_data_and_ends_no_script_early(embedded: EmbedResult) -> None:
    """Everything is inside the page, and no "<" of the data is left in it."""
    values = page_data(embedded.folder)
    assert len(values["files"]) == len(values["labels"]) == len(values["maps"][0]["axes"][0]) == 24
    assert [item["name"] for item in values["maps"]] == ["t-SNE", "PCA"]
    page = (embedded.folder / "embed.html").read_text(encoding="utf-8")
    assert "https://" not in page
    assert "http://" not in page


def test_unreadable_images_are_left_out_and_counted(shapes: Path, tmp_path: Path) -> None:
    """A file that is no image is no point on the map, now and from the saved features."""
    folder = tmp_path / "few"
    for label in ("a", "b"):
        (folder / label).mkdir(parents=True)
        for number in range(3):
            source = shapes / "test" / "circle" / f"{number:02d}.png"
            (folder / label / f"{number}.png").write_bytes(source.read_bytes())
    (folder / "a" / "broken.png").write_bytes((shapes / "test" / "circle" / "00.png").read_bytes()[:60])
    for reused in (False, True):
        result = embed_subject(subject_untrained(str(folder), None, "test"), tmp_path / "out", options=PCA)
        assert (result.images, result.skipped, result.reused) == (6, 1, reused)


def test_a_dataset_without_images_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither the split asked for nor train."""
    from imgclf.data import open_dataset
    from imgclf.embed import subject

    digits = open_dataset("digits")
    only_val = replace(digits, splits={"val": digits.splits["train"]})
    monkeypatch.setattr(subject, "open_dataset", lambda *_, **__: only_val)
    with pytest.raises(DataError, match="The dataset 'digits' has neither test nor train images"):
        embed_subject(subject_untrained("digits", None, "test"), tmp_path)


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
