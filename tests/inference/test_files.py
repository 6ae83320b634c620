"""What a person's arguments mean: files, folders, patterns, lists."""

import io
import os
from pathlib import Path

import pytest
from PIL import Image

from imgclf.errors import UsageError
from imgclf.inference.files import find_images, listed_images
from imgclf.records import UnreadableImage


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """A folder with images at two depths and other things between them."""
    folder = tmp_path / "photos"
    (folder / "inner").mkdir(parents=True)
    (folder / ".hidden").mkdir()
    for name in ("b.png", "a.jpg", "inner/c.webp", ".hidden/d.png"):
        Image.new("RGB", (4, 4)).save(folder / name)
    (folder / "notes.txt").write_text("no image")
    (folder / "x.jpg").mkdir()
    return folder


def test_folder_means_its_images_at_any_depth(photos: Path) -> None:
    """Sorted, without hidden folders and other files; what only looks like an image has its reason."""
    found = list(find_images([str(photos)]))
    assert found[:3] == [str(photos / name) for name in ("a.jpg", "b.png", "inner/c.webp")]
    assert found[3:] == [UnreadableImage(str(photos / "x.jpg"), "is a folder, not an image")]


def test_pattern_is_expanded_and_a_literal_name_wins(photos: Path) -> None:
    """Patterns match at any depth with **; a file whose very name looks like a pattern is that file."""
    assert list(find_images([str(photos / "*.png")])) == [str(photos / "b.png")]
    assert str(photos / "inner" / "c.webp") in list(find_images([str(photos / "**" / "*.webp")]))
    odd = photos / "odd[1].png"
    Image.new("RGB", (4, 4)).save(odd)
    assert list(find_images([str(odd)])) == [str(odd)]


def test_pattern_without_a_match_is_an_error(photos: Path) -> None:
    """A pattern that matches nothing is most likely a slip."""
    with pytest.raises(UsageError) as caught:
        list(find_images([str(photos / "*.gif")]))
    assert str(caught.value) == f"No file matches the pattern '{photos / '*.gif'}'."


def test_missing_file_stays_in_the_list() -> None:
    """A named file that is not there gets its row with an error later, not a crash now."""
    assert list(find_images(["none.png"])) == ["none.png"]


def test_folder_without_images_is_told(tmp_path: Path) -> None:
    """A folder that holds no image is named, not passed over."""
    assert list(find_images([str(tmp_path)])) == [
        UnreadableImage(str(tmp_path), "is a folder without image files")
    ]


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"a.png\nb c.png\n", ["a.png", "b c.png"]),
        (b"a.png\r\nb.png", ["a.png", "b.png"]),
        (b"a\n.png\0b.png\0", ["a\n.png", "b.png"]),
        (b"\n\n", []),
        (b"", []),
        (b"caf\xe9.png\n", [os.fsdecode(b"caf\xe9.png")]),
        (b"[*].png\n", ["[*].png"]),
    ],
)
def test_list_on_stdin(content: bytes, names: list[str]) -> None:
    """A path a line or separated by NUL bytes, any bytes in a name, no patterns."""
    assert list(listed_images(io.BufferedReader(io.BytesIO(content)))) == names


def test_long_list_is_cut_at_names_only() -> None:
    """Names that lie across two pieces of the stream stay whole."""
    names = [f"folder/{number:09d}.png" for number in range(9000)]
    content = "\n".join(names).encode()
    assert list(listed_images(io.BufferedReader(io.BytesIO(content)))) == names
