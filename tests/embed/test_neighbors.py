"""The nearest images to one: right ones, in order, with files that a person can look at."""

import csv
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.embed import Options, find_neighbors, subject_of_run, subject_untrained
from imgclf.errors import ImageError, UsageError
from imgclf.runs import Run


def test_agrees_with_distances_between_all_features(shapes_run_copy: Run) -> None:
    """Ranked by Euclidean distance, without the image itself; the table is in a file too."""
    subject = subject_of_run(shapes_run_copy, None, "test")
    name = subject.examples.files[3]
    result = find_neighbors(subject, name, count=5)
    embeddings = np.load(subject.folder / "embeddings.npy")
    distances = np.linalg.norm(embeddings - embeddings[3], axis=1)
    expected = [at for at in np.argsort(distances, kind="stable") if at != 3][:5]
    assert [item.file for item in result.neighbors] == [subject.examples.files[at] for at in expected]
    assert result.neighbors[0].distance == pytest.approx(distances[expected[0]], abs=1e-4)
    table, picture, page = result.files[-3:]
    with table.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["rank"] for row in rows] == list("12345")
    assert rows[0]["file"] == result.neighbors[0].file
    with Image.open(picture) as image:
        assert image.width > 600
    assert "http:" not in page.read_text()
    assert page.read_text().count("data:image/png") == 6


def test_a_file_that_is_one_of_the_images_is_found_as_such(shapes_run_copy: Run, shapes: Path) -> None:
    """By its path it has the same neighbours as by its name, and is none of them; features are made once."""
    subject = subject_of_run(shapes_run_copy, None, "test")
    at = next(at for at, file in enumerate(subject.examples.files) if file.endswith("square/02.png"))
    by_name = find_neighbors(subject, subject.examples.files[at], count=30)
    by_path = find_neighbors(subject, str(shapes / "test" / "square" / "02.png"), count=30)
    assert by_name.neighbors == by_path.neighbors
    assert len(by_path.neighbors) == 23  # clamped to the others
    assert (by_name.reused, by_path.reused) == (False, True)


def test_a_new_image_is_embedded_as_the_others(shapes_run_copy: Run, shapes: Path, tmp_path: Path) -> None:
    """A copy under another name lies on its original."""
    copy = tmp_path / "copy.png"
    copy.write_bytes((shapes / "test" / "circle" / "01.png").read_bytes())
    result = find_neighbors(subject_of_run(shapes_run_copy, None, "test"), str(copy), count=3)
    assert result.neighbors[0].file.endswith("circle/01.png")
    assert result.neighbors[0].distance == pytest.approx(0, abs=1e-3)
    assert result.sentence.startswith("Of the 3 nearest images: ")


def test_pixels_have_neighbours_too(shapes: Path, tmp_path: Path) -> None:
    """Without a model there is no prediction."""
    subject = subject_untrained(str(shapes), None, "test")
    result = find_neighbors(subject, subject.examples.files[0], 2, tmp_path / "out", Options())
    assert [item.prediction for item in result.neighbors] == [None, None]


def test_an_unknown_image_is_named_with_the_nearest_name(tmp_path: Path) -> None:
    """Neither a file nor an image of the dataset."""
    subject = subject_untrained("digits", None, "test")
    name = subject.examples.files[0]
    words = f"There is no file '{name}x', and none of the .* images has this name. Did you mean '{name}'?"
    with pytest.raises(UsageError, match=words):
        find_neighbors(subject, f"{name}x", out=tmp_path)


def test_a_file_that_is_no_image_is_an_error(shapes: Path, tmp_path: Path) -> None:
    """With the reason."""
    (tmp_path / "notes.txt").write_text("no image")
    subject = subject_untrained(str(shapes), None, "test")
    with pytest.raises(ImageError, match=r"notes.txt"):
        find_neighbors(subject, str(tmp_path / "notes.txt"), out=tmp_path / "out")
