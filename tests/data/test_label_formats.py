"""Label formats are plugs: a stranger's is read as ours are."""

from pathlib import Path

import pytest

from imgclf.data import open_dataset
from imgclf.data.label_format import label_formats
from tests.data.layouts import labels, tree

PLUGIN = '''
"""Labels in the first line of a text file beside each image."""

from imgclf.data.labels.reading import Reading, SplitRows
from imgclf.data.taken import Taken


class Notes:
    name = "notes"
    summary = "A text file beside each image"
    made_with = "its author"
    reads = "The first line."
    leaves_out = "The rest."
    rank = 20

    def recognises(self, path):
        return path.is_dir() and any(path.glob("*.note"))

    def read(self, path, wishes):
        notes = sorted(path.glob("*.note"))
        images = [note.with_suffix(".png") for note in notes]
        labels = [note.read_text() for note in notes]
        rows = SplitRows(images, labels, [image.name for image in images])
        return Reading({"train": rows}, Taken("notes", "PNG files", "notes"))
'''


def _install(folder: Path) -> None:
    wheel = folder / "site"
    (wheel / "notes_plugin-1.0.dist-info").mkdir(parents=True)
    (wheel / "notes_plugin.py").write_text(PLUGIN)
    (wheel / "notes_plugin-1.0.dist-info/METADATA").write_text(
        "Metadata-Version: 2.1\nName: notes-plugin\nVersion: 1.0\n"
    )
    (wheel / "notes_plugin-1.0.dist-info/entry_points.txt").write_text(
        "[imgclf.formats]\nnotes = notes_plugin:Notes\n"
    )


def test_a_strangers_format_is_read_like_ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One class and one entry point; it is listed, recognised, and asked for by name."""
    _install(tmp_path)
    monkeypatch.syspath_prepend(tmp_path / "site")
    tree(tmp_path / "photos", "a.png", "b.png")
    for name in "ab":
        (tmp_path / f"photos/{name}.note").write_text(f"class {name}")
    dataset = open_dataset(str(tmp_path / "photos"))
    assert labels(dataset) == ["class a", "class b"]
    assert open_dataset(f"notes:{tmp_path / 'photos'}").class_names == dataset.class_names
    assert "notes" in [one.name for one in label_formats()]


def test_formats_say_what_they_read() -> None:
    """What the page of formats is made of is there for each."""
    for one in label_formats():
        assert one.summary, one.name
        assert one.made_with, one.name
        assert one.reads.endswith("."), one.name
        assert one.leaves_out.endswith("."), one.name
