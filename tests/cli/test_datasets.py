"""`imgclf datasets`: what can be named, how large it is, and whether it is at hand."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

RunCli = Callable[..., Any]


def test_list_fits_eighty_columns(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Name, classes, sizes, place and licence in one line each."""
    monkeypatch.setenv("COLUMNS", "80")
    result = run_cli("datasets")
    assert result.code == 0
    lines = result.out.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split("  ")[0] == "name"
    digits = next(line for line in lines if line.startswith("digits "))
    assert digits.split() == ["digits", "10", "1.4k/-/355", "yes", "CC", "BY", "4.0"]
    assert "Next: imgclf train --data NAME" in result.err


def test_wide_list_says_what_each_is(run_cli: RunCli, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where there is room; elsewhere --verbose says it."""
    monkeypatch.setenv("COLUMNS", "140")
    assert "Photos of natural and built scenes" in run_cli("datasets").out
    monkeypatch.setenv("COLUMNS", "80")
    result = run_cli("datasets", "--verbose")
    assert "intel: Photos of natural and built scenes. Source: https://www.kaggle.com/" in result.err


def test_data_dir_is_looked_into(run_cli: RunCli, tmp_path: Path) -> None:
    """On disk, to be downloaded, or to be fetched by hand."""
    (tmp_path / "intel" / "seg_train").mkdir(parents=True)
    places = {
        row["name"]: row["on_disk"]
        for row in json.loads(run_cli("datasets", "--data-dir", tmp_path, "--json").out)
    }
    assert places["intel"]
    assert not places["cifar10"]
    out = run_cli("datasets", "--data-dir", tmp_path).out
    assert " 170 MB" in next(line for line in out.splitlines() if line.startswith("cifar10 "))
    assert " by hand" in next(line for line in out.splitlines() if line.startswith("imagenet "))


def test_json_has_everything(run_cli: RunCli) -> None:
    """For a program to read."""
    rows = {row["name"]: row for row in json.loads(run_cli("datasets", "--json").out)}
    row = rows["cifar10"]
    assert row["class_names"][0] == "airplane"
    assert row["class_count"] == 10
    assert row["splits"] == {"train": 50_000, "test": 10_000}
    assert (row["licence"], row["error"]) == ("not stated", "")
    assert row["package"].startswith("imgclf ")
    assert rows["flowers102"]["class_count"] == 102


def test_broken_plugin_is_shown(run_cli: RunCli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In its row and as a warning; the others are listed as ever."""
    metadata = tmp_path / "site" / "apples-1.0.dist-info"
    metadata.mkdir(parents=True)
    (metadata / "METADATA").write_text(
        "Metadata-Version: 2.1\nName: apples\nVersion: 1.0\n", encoding="utf-8"
    )
    (metadata / "entry_points.txt").write_text(
        "[imgclf.datasets]\nfruit = no_such_module:Fruit\n", encoding="utf-8"
    )
    monkeypatch.syspath_prepend(tmp_path / "site")
    result = run_cli("datasets")
    assert result.code == 0
    assert " broken" in next(line for line in result.out.splitlines() if line.startswith("fruit "))
    assert (
        "Warning: The plugin 'fruit' of package apples 1.0 failed to load: ModuleNotFoundError" in result.err
    )
