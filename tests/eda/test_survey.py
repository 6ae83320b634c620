"""Reading all images once, and the cache."""

import os
from pathlib import Path

import numpy as np
from PIL import Image

from imgclf.data import open_dataset
from imgclf.eda.measuring.cache import cache_file, cache_key, cache_root, load_cache, save_cache
from imgclf.eda.measuring.measure import measure_images
from imgclf.eda.measuring.survey import survey
from imgclf.records import Progress, UnreadableImage
from tests.eda.pictures import dataset, photo


def folder_of_images(root: Path) -> Path:
    """Two classes of three pictures each."""
    for seed in range(6):
        path = root / "ab"[seed % 2] / f"{seed}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(photo(seed)).save(path)
    return root


def test_rows_follow_the_splits():
    """Rows come split by split, each with its file, label and source."""
    images = [photo(seed) for seed in range(5)]
    seen = survey(dataset(images[:3], images[3:]))
    assert seen.splits.tolist() == ["train", "train", "train", "test", "test"]
    assert seen.files == ["train/0.png", "train/1.png", "train/2.png", "test/0.png", "test/1.png"]
    assert [seen.label(row) for row in range(5)] == ["a", "b", "a", "b", "a"]
    assert seen.source(4) is images[4]


def test_progress_counts_every_image():
    """The progress ends at the number of images."""
    told: list[Progress] = []
    survey(dataset([photo(seed) for seed in range(3)]), progress=told.append)
    assert (told[-1].done, told[-1].total) == (3, 3)


def test_second_survey_comes_from_the_cache_with_equal_figures(tmp_path: Path):
    """What has not changed is not read again, errors included."""
    root = folder_of_images(tmp_path / "photos")
    (root / "a" / "bad.png").write_bytes(b"nothing of an image")
    first, second = survey(open_dataset(str(root))), survey(open_dataset(str(root)))
    assert (first.reused, second.reused) == (0, 7)
    np.testing.assert_array_equal(first.facts, second.facts)
    assert first.errors == second.errors
    assert next(iter(second.errors.values()))[0] == "unsupported"


def test_changed_file_is_measured_again(tmp_path: Path):
    """A file with another time or size is read anew, the others are not."""
    root = folder_of_images(tmp_path / "photos")
    before = survey(open_dataset(str(root)))
    changed = root / "a" / "0.png"
    Image.fromarray(photo(99)).save(changed)
    os.utime(changed, ns=(1, 1))
    after = survey(open_dataset(str(root)))
    assert after.reused == 5
    assert (before.facts["pixel_hash"] != after.facts["pixel_hash"]).tolist() == [True] + [False] * 5


def test_cache_is_outside_the_dataset(tmp_path: Path):
    """The dataset's folder is left as it was."""
    root = folder_of_images(tmp_path / "photos")
    before = sorted(root.rglob("*"))
    opened = open_dataset(str(root))
    survey(opened)
    assert sorted(root.rglob("*")) == before
    assert cache_file(opened).is_file()
    assert cache_file(opened).is_relative_to(cache_root())


def test_without_cache_nothing_is_written(tmp_path: Path):
    """``use_cache=False`` neither reads nor writes."""
    opened = dataset([photo(0), photo(1)])
    assert survey(opened, use_cache=False).reused == 0
    assert not cache_file(opened).exists()


def test_pixels_without_files_are_cached_by_content():
    """Images that are arrays are known again by their content."""
    survey(dataset([photo(0), photo(1)]))
    assert survey(dataset([photo(0), photo(2)])).reused == 1


def test_damaged_cache_is_as_good_as_none(tmp_path: Path):
    """A cache file of rubbish is passed over."""
    path = tmp_path / "x.npz"
    path.write_bytes(b"PK\x03\x04rubbish")
    assert len(load_cache(path).keys) == 0


def test_cache_that_cannot_be_written_is_no_failure(tmp_path: Path):
    """A cache in an impossible place is simply not kept."""
    (tmp_path / "file").write_text("")
    measured = measure_images([photo(0)], ["x"])
    assert not save_cache(tmp_path / "file" / "x.npz", np.ones(1, np.uint64), measured)


def test_unreachable_file_has_no_key(tmp_path: Path):
    """A file that is gone has the key that is never stored."""
    assert cache_key(tmp_path / "gone.png") == 0


def test_unreadable_lists_what_the_dataset_found_too():
    """Files that are no images at all come first, then those that cannot be decoded."""
    opened = dataset([photo(0), b"x" * 20], unreadable=(UnreadableImage("a/pipe.jpg", "is a pipe"),))
    names = [image.file for image in survey(opened).unreadable()]
    assert names == ["a/pipe.jpg", "train/1.png"]
