"""Images that a run keeps, so that it is complete without its dataset."""

from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from imgclf.data import Examples, read_image
from imgclf.runs import Run
from imgclf.runs.kept_images import EXAMPLES, ToKeep, in_turn, keep_examples, keep_images, kept_images


def encoded(size: tuple[int, int], form: str) -> bytes:
    """Return an image file's bytes."""
    buffer = BytesIO()
    Image.new("RGB", size, (200, 30, 90)).save(buffer, form)
    return buffer.getvalue()


def test_examples_are_taken_from_each_class_in_turn() -> None:
    """Two classes give their firsts, then their seconds; of many classes some are taken evenly."""
    assert in_turn(np.array([0, 0, 0, 1, 1]), 2, 10) == [0, 3, 1, 4, 2]
    labels = np.repeat(np.arange(50), 2)
    assert [int(labels[index]) for index in in_turn(labels, 50, 5)[:5]] == [0, 12, 24, 37, 49]


def test_ten_examples_are_kept_with_their_labels(tmp_path: Path) -> None:
    """An image that cannot be read is passed over, and its class still has the next one."""
    pixels = [np.full((8, 8), value, np.uint8) for value in range(24)]
    images = [b"no image at all", *pixels[1:]]
    examples = Examples(images, np.arange(24) % 3, [f"test/{index}" for index in range(24)])
    keep_examples(Run(tmp_path), examples, ("a", "b/c", "d"))
    kept = kept_images(tmp_path / EXAMPLES)
    assert len(kept) == 10
    assert [one.true_label for one in kept[:3]] == ["b/c", "d", "a"]
    assert kept[0].path.name == "01-b-c.png"
    assert kept[0].source == "test/1"
    assert kept[0].confidence is None
    assert np.asarray(read_image(kept[0].path)).max() == 1


def test_photos_stay_as_they_are_and_huge_ones_are_made_smaller(tmp_path: Path) -> None:
    """A modest JPEG is kept byte for byte; noise of many megabytes becomes a JPEG of 1,024 pixels."""
    modest = encoded((300, 200), "JPEG")
    noise = np.random.default_rng(0).integers(0, 255, (1200, 1500, 3), np.uint8)
    bitmap = encoded((40, 30), "BMP")
    images = [ToKeep(modest, "m", "x"), ToKeep(noise, "n", "x"), ToKeep(bitmap, "b", "x", "y", 0.75)]
    keep_images(tmp_path / "kept", images, 5)
    first, second, third = kept_images(tmp_path / "kept")
    assert first.path.read_bytes() == modest
    assert read_image(second.path).size == (1024, 819)
    assert third.path.suffix == ".png"
    assert (third.label, third.confidence) == ("y", 0.75)


def test_new_images_take_the_place_of_old_ones(tmp_path: Path) -> None:
    """Of an earlier evaluation nothing is left."""
    for count in (3, 1):
        keep_images(tmp_path, [ToKeep(encoded((9, 9), "PNG"), "s", "x")] * count, 5)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["01-x.png", "index.csv"]


@pytest.mark.parametrize("folder", ["nothing", "."])
def test_a_run_that_kept_none_has_none(tmp_path: Path, folder: str) -> None:
    """Runs of before are served all the same."""
    assert kept_images(tmp_path / folder) == []
