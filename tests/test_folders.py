"""Folders that commands make."""

import re
from pathlib import Path

import pytest

from imgclf.errors import RunError
from imgclf.folders import dated, make_folder, new_folder


def test_new_folder_counts_on_from_those_that_exist(tmp_path: Path) -> None:
    """A point in a name is no ending."""
    first = tmp_path / "2026-model.v2"
    assert new_folder(first) == first
    for name in ("2026-model.v2", "2026-model.v2-2"):
        make_folder(tmp_path / name)
    assert new_folder(first) == tmp_path / "2026-model.v2-3"


def test_names_begin_with_the_second() -> None:
    """So that they sort by time."""
    assert re.fullmatch(r"\d{4}-\d\d-\d\d-\d{6}-resnet18-photos", dated("resnet18", "photos"))


def test_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    """The sentence says what to do."""
    file = tmp_path / "a"
    file.write_text("")
    sentence = (
        f"{file / 'b'}: the folder could not be made (Not a directory). Choose another place with --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        make_folder(file / "b")
