"""What holds for every split, table, name and pattern, tried on drawn examples (hypothesis)."""

import io
import os
import re
from fnmatch import fnmatchcase
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from imgclf.data import Dataset, Examples, make_splits
from imgclf.data.images.names import display_name
from imgclf.data.labels.columns import find_columns
from imgclf.errors import DataError, UsageError
from imgclf.folders import last_part, safe_name
from imgclf.inference.files import find_images, listed_images
from imgclf.records import DatasetInfo
from imgclf.tables import read_csv, write_csv

# No deadline: the machine may be busy. The same examples every time: a failure is no surprise of the day.
settings.register_profile(
    "imgclf", deadline=None, derandomize=True, max_examples=60, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("imgclf")

LABELS = st.lists(st.integers(0, 4), min_size=2, max_size=60)
FRACTIONS = st.floats(0.01, 0.9)
FILE_NAMES = st.text(
    st.characters(codec="utf-8", exclude_characters="/\0", exclude_categories=["Cs"]), min_size=1, max_size=20
).filter(lambda name: name not in (".", "..") and len(name.encode()) < 200)


def dataset_of(labels: list[int], groups: list[str] | None = None) -> Dataset:
    """A dataset with a train split of these labels."""
    files = [f"{index}.png" for index in range(len(labels))]
    train = Examples([Path(name) for name in files], np.array(labels, np.int64), files, tuple(groups or ()))
    return Dataset(DatasetInfo("drawn", "drawn"), tuple("abcde"), {"train": train})


@given(LABELS, FRACTIONS, st.integers(0, 9))
def test_a_split_divides_and_empties_no_class(labels: list[int], fraction: float, seed: int) -> None:
    """Each image is in train or in val, both have some, each class stays in train, and the seed decides."""
    try:
        splits = make_splits(dataset_of(labels), val_fraction=fraction, seed=seed)
    except DataError:
        assert len(set(labels)) == len(labels), "only where no class has two images"
        return
    assert sorted([*splits.train.files, *splits.val.files]) == sorted(
        dataset_of(labels).splits["train"].files
    )
    assert set(splits.train.labels) == set(labels)
    assert len(splits.val) >= 1
    again = make_splits(dataset_of(labels), val_fraction=fraction, seed=seed)
    assert again.val.files == splits.val.files


@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from("pqrstuv")), min_size=4, max_size=60), FRACTIONS)
def test_a_split_tears_no_group(rows: list[tuple[int, str]], fraction: float) -> None:
    """Images of one patient are never on both sides."""
    dataset = dataset_of([label for label, _ in rows], [group for _, group in rows])
    try:
        splits = make_splits(dataset, val_fraction=fraction)
    except DataError:
        return
    assert not set(splits.train.groups) & set(splits.val.groups)
    assert set(splits.train.labels) == {label for label, _ in rows}


@given(
    st.sampled_from(["path", "file", "image", "filename"]),
    st.sampled_from(["label", "class", "target", "category"]),
    st.sampled_from([None, "split", "subset"]),
    st.lists(st.sampled_from(["width", "height", "camera", "site", "note"]), unique=True),
    st.randoms(use_true_random=False),
)
def test_columns_are_found_in_any_order(
    image: str, label: str, split: str | None, others: list[str], chance: object
) -> None:
    """Which column is which depends on names alone, never on their order or on what else is there."""
    names = [image, label, *([split] if split else []), *others]
    chance.shuffle(names)  # type: ignore[attr-defined]
    found = find_columns(names, "m.csv")
    assert (found.image, found.label, found.split) == (image, label, split)


@given(st.lists(FILE_NAMES, min_size=1, max_size=8, unique_by=str.casefold))
def test_a_folder_means_every_image_in_it(names: list[str]) -> None:
    """Whatever the names hold: spaces, stars, brackets, line ends, other scripts; hidden ones are left out."""
    with TemporaryDirectory() as folder:
        paths = {str(Path(folder, f"{name}.png")) for name in names if not name.startswith(".")}
        for path in paths:
            Path(path).write_bytes(b"\x89PNG\r\n\x1a\n")
        found = [str(image) for image in find_images([folder])]
        assert (set(found) if paths else set()) == paths
        for path in paths:
            assert [str(image) for image in find_images([path])] == [path], "a name that exists is no pattern"


@given(st.text(st.sampled_from("ab.*?[]"), min_size=1, max_size=8))
def test_a_pattern_matches_or_says_that_it_does_not(pattern: str) -> None:
    """What is found matches as the shell would have it, and nothing else happens."""
    assume(set(pattern) & set("*?["))
    with TemporaryDirectory() as folder:
        for name in ("a.png", "b.png", "ab.png"):
            Path(folder, name).write_bytes(b"\x89PNG\r\n\x1a\n")
        files = [path for path in Path(folder).iterdir() if fnmatchcase(path.name, pattern)]
        if files:
            found = {Path(str(image)) for image in find_images([f"{folder}/{pattern}"])}
            assert found == {path for path in files if not path.name.startswith(".")}
            return
        with pytest.raises(
            UsageError, match=f"^No file matches the pattern '{re.escape(f'{folder}/{pattern}')}'.$"
        ):
            list(find_images([f"{folder}/{pattern}"]))


@given(st.lists(FILE_NAMES, min_size=1, max_size=20), st.booleans())
def test_a_list_is_read_back_as_it_was_written(names: list[str], by_nul: bool) -> None:
    """A path a line, or separated by NUL, which also takes line ends in names."""
    assume(by_nul or not any({"\n", "\r"} & set(name) for name in names))
    separator = "\0" if by_nul else "\n"
    text = "".join(f"nowhere/{name}{separator}" for name in names)
    stream = io.BufferedReader(io.BytesIO(text.encode()))
    assert list(listed_images(stream)) == [f"nowhere/{name}" for name in names]


@given(
    st.lists(st.lists(st.text(st.characters(codec="utf-8"), max_size=9), min_size=2, max_size=2), max_size=6)
)
def test_a_table_is_read_back_as_it_was_written(rows: list[list[str]]) -> None:
    """Commas, quotes, line ends and every script survive."""
    assume(not any("\0" in cell for row in rows for cell in row))
    with TemporaryDirectory() as folder:
        path = Path(folder, "t.csv")
        write_csv(path, ("a", "b"), rows)
        assert [[row["a"], row["b"]] for row in read_csv(path)] == rows


@given(st.binary(min_size=1, max_size=30).filter(lambda name: b"\0" not in name))
def test_a_shown_name_can_be_printed(name: bytes) -> None:
    """Whatever bytes a name has, it is one printable line that UTF-8 can hold."""
    shown = display_name(os.fsdecode(name))
    assert shown.isprintable()
    shown.encode()


@given(st.text(max_size=40))
def test_a_safe_name_is_a_name(name: str) -> None:
    """No separator and nothing that a file system gives a meaning, and safe stays as it is."""
    safe = safe_name(name)
    assert not set(safe) & set('/\\:*?"<>| ')
    assert safe_name(safe) == safe
    assert last_part(name)
