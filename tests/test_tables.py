"""Tables as CSV: what is written comes back."""

from pathlib import Path

import pytest

from imgclf.tables import csv_text, read_csv, write_csv


def test_what_is_written_comes_back(tmp_path: Path) -> None:
    """Commas, quotes, line breaks, umlauts and bytes that are no UTF-8 survive."""
    file = tmp_path / "new" / "a.csv"
    names = ['a,"b".jpg', "two\nlines", "Möwe", "\udcff.jpg", ""]
    write_csv(file, ["file", "number"], ([name, number] for number, name in enumerate(names)))
    assert read_csv(file) == [{"file": name, "number": str(number)} for number, name in enumerate(names)]
    assert b"\xff.jpg" in file.read_bytes()


def test_empty_file_has_no_rows(tmp_path: Path) -> None:
    """Nor has one with a heading alone."""
    file = tmp_path / "a.csv"
    file.write_text("")
    assert read_csv(file) == []
    file.write_text("file,label\n")
    assert read_csv(file) == []


@pytest.mark.parametrize("row", ["a.jpg", "a.jpg,cat,more", "a" * 140_000])
def test_row_that_does_not_fit_the_heading_is_an_error(tmp_path: Path, row: str) -> None:
    """A file cut short is no table; nor is one with a cell beyond what the csv module takes."""
    file = tmp_path / "a.csv"
    file.write_text(f"file,label\n{row}\n")
    with pytest.raises(ValueError):  # noqa: PT011 - the standard library's words, which callers replace
        read_csv(file)


def test_rows_are_cut_by_the_delimiter() -> None:
    """Tabs for the projector of TensorBoard."""
    assert csv_text([["a", 1], ["b\tc", 2]], "\t") == 'a\t1\n"b\tc"\t2\n'
