"""The whole look: what is written, what is in it, and what is left alone."""

import csv
import json
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from imgclf.data import Dataset
from imgclf.eda import eda, parse_fail_on
from imgclf.eda.checks.findings import CHECK_NAMES
from imgclf.eda.table import COLUMNS
from imgclf.errors import RunError, UsageError
from imgclf.recipes.config import Config
from imgclf.records import UnreadableImage
from tests.bad_files import make_bad_files
from tests.eda.pictures import dataset, photo


def troubled() -> Dataset:
    """Clean pictures, a leak under another label, a file of text and a pipe; one class name needs escaping."""
    images = [photo(seed) for seed in range(8)]
    made = dataset([*images, b"only text"], [images[0]], [0, 1] * 4 + [0, 1])
    return Dataset(
        info=made.info,
        class_names=("<b>", "b"),
        splits=made.splits,
        unreadable=(UnreadableImage("b/pipe.jpg", "is a pipe, not an image"),),
        warnings=("Mind the gap.",),
    )


def test_everything_is_written(tmp_path: Path):
    """The page, the summary, the table and the figures, those of a recipe too, are where the report says."""
    cut = Config.model_validate({"image": {"crop_fraction": 0.875}})
    report = eda(troubled(), out=tmp_path / "look", recipe=cut)
    assert all(path.is_file() for path in report.files)
    names = {str(path.relative_to(tmp_path / "look")) for path in report.files}
    assert names == {
        "report.html",
        "summary.json",
        "files.csv",
        "figures/class_counts.png",
        "figures/samples.png",
        "figures/eval_crop.png",
        "figures/augmented.png",
    }
    for path in report.files[3:]:
        with Image.open(path) as figure:
            assert figure.width >= 800


def test_summary_holds_the_findings(tmp_path: Path):
    """``summary.json`` is what ``to_dict`` gives, and names files with their split."""
    report = eda(troubled(), out=tmp_path)
    summary = json.loads((tmp_path / "summary.json").read_text(encoding="utf-8"))
    assert summary == json.loads(json.dumps(report.to_dict()))
    assert (summary["images"], summary["readable"]) == (10, 9)
    assert tuple(summary["checks"]) == CHECK_NAMES
    assert summary["checks"]["leaks"]["first"] == [
        {"files": ["train:train/0.png", "test:test/0.png"], "labels": ["<b>", "b"], "detail": "equal pixels"}
    ]
    assert summary["checks"]["unreadable"]["images"] == 2


def test_table_has_a_row_for_every_file(tmp_path: Path):
    """``files.csv`` has each image once, with flags, groups and the reason where it cannot be read."""
    eda(troubled(), out=tmp_path)
    with (tmp_path / "files.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert tuple(rows[0]) == COLUMNS
    assert len(rows) == 11
    by_file = {row["file"]: row for row in rows}
    assert by_file["train/0.png"]["flags"] == "leaks label-conflicts duplicates"
    assert by_file["train/0.png"]["duplicate_group"] == by_file["test/0.png"]["duplicate_group"] == "1"
    assert by_file["train/0.png"]["pixel_hash"] == by_file["test/0.png"]["pixel_hash"]
    assert by_file["train/1.png"]["flags"] == ""
    assert by_file["train/8.png"]["error"].startswith("is a text file")
    assert by_file["b/pipe.jpg"]["error"] == "is a pipe, not an image"


def test_page_is_self_contained_and_escaped(tmp_path: Path):
    """The page loads nothing from elsewhere, and a class name is never markup."""
    eda(troubled(), out=tmp_path)
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "http://" not in page
    assert "https://" not in page
    assert "<td><b></td>" not in page
    assert "&lt;b&gt;" in page
    for words in ("Leaks between splits (2)", "Mind the gap.", "is a pipe, not an image", "mean = ["):
        assert words in page


def test_same_seed_same_samples(tmp_path: Path):
    """Two looks with one seed draw the same picture."""
    for name in ("one", "two"):
        eda(troubled(), out=tmp_path / name, seed=3)
    one, two = ((tmp_path / name / "figures/samples.png").read_bytes() for name in ("one", "two"))
    assert one == two


def test_recipe_adds_the_augmented_view(tmp_path: Path):
    """With a recipe, the page shows what training will see."""
    recipe = Config.model_validate(
        {"image": {"size": 32}, "augment": {"transforms": [{"name": "RandomHorizontalFlip"}]}}
    )
    report = eda(troubled(), out=tmp_path, recipe=recipe)
    assert tmp_path / "figures/augmented.png" in report.files
    page = (tmp_path / "report.html").read_text(encoding="utf-8")
    assert "the recipe&#39;s random variants" in page
    assert page.count('class="strip"') == 2 + 6  # two classes, then six images


def test_grey_recipe_is_drawn_too(tmp_path: Path):
    """A recipe for one channel shows its grey input."""
    recipe = Config.model_validate({"image": {"size": 16, "channels": 1}, "augment": {"transforms": []}})
    report = eda(dataset([photo(seed, 16, 16) for seed in range(4)]), out=tmp_path, recipe=recipe)
    assert tmp_path / "figures/augmented.png" in report.files


def test_recipe_with_a_single_image_has_no_augmented_view(tmp_path: Path):
    """Training drops a batch of one, so there is nothing to show."""
    report = eda(dataset([photo(0)]), out=tmp_path, recipe=Config())
    assert tmp_path / "figures/augmented.png" not in report.files


def test_dataset_is_never_changed(tmp_path: Path):
    """Every file that a hostile folder holds is as it was: names, sizes, times."""
    root = tmp_path / "photos"
    make_bad_files(root / "odd")
    (root / "good").mkdir()
    for seed in range(3):
        Image.fromarray(photo(seed)).save(root / "good" / f"{seed}.png")

    def state() -> list[tuple[str, int, int]]:
        return [
            (str(path), path.lstat().st_size, path.lstat().st_mtime_ns) for path in sorted(root.rglob("*"))
        ]

    before = state()
    report = eda(str(root), out=tmp_path / "look")
    assert state() == before
    assert report.check("unreadable").count > 30


def test_nothing_readable_still_gives_a_page(tmp_path: Path):
    """A dataset of rubbish has a page that says so."""
    report = eda(dataset([b"rubbish text", b"other rubbish"]), out=tmp_path)
    assert report.pixels is None
    assert "There is no readable image in train." in (tmp_path / "report.html").read_text(encoding="utf-8")


def test_default_folder_is_new_each_time():
    """Without ``out`` each look has its own folder in ``eda/``."""
    folders = {eda(dataset([photo(0, 16, 16)] * 2)).folder for _ in range(2)}
    assert len(folders) == 2
    assert {folder.parent for folder in folders} == {Path("eda")}
    assert all("made" in folder.name for folder in folders)


def test_folder_that_cannot_be_written(tmp_path: Path):
    """A file in the way is a clear error, before any image is read."""
    place = tmp_path / "file"
    place.write_text("")
    with pytest.raises(RunError) as caught:
        eda(dataset([photo(0)]), out=place)
    assert str(caught.value) == (
        f"{place}: the folder could not be made (File exists). Choose another place with --out."
    )


def test_failed_checks_are_those_asked_for(tmp_path: Path):
    """Only the named checks count for ``--fail-on``."""
    report = eda(troubled(), out=tmp_path)
    assert [check.name for check in report.failed(("leaks", "dark"))] == ["leaks"]


def test_fail_on_is_parsed():
    """Names are separated by commas; spaces don't matter."""
    assert parse_fail_on("unreadable, leaks,duplicates") == ("unreadable", "leaks", "duplicates")
    assert parse_fail_on("") == ()


def test_fail_on_with_an_unknown_check():
    """An unknown check suggests the nearest and lists all."""
    with pytest.raises(UsageError) as caught:
        parse_fail_on("leeks")
    assert str(caught.value) == (
        f"--fail-on names the unknown check 'leeks'. Did you mean 'leaks'? Known: {', '.join(CHECK_NAMES)}."
    )


def test_looking_needs_no_torch(tmp_path: Path):
    """A look without a recipe imports no torch, from the command line to the page."""
    code = (
        "import sys; from imgclf.cli.main import main; "
        f"code = main(['eda', '--quiet', '--out', {str(tmp_path / 'look')!r}]); "
        "print(code, 'torch' in sys.modules, file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path
    )
    assert done.stderr.split() == ["0", "False"]


def test_known_troubles_of_the_intel_scenes(test_data: Path, tmp_path: Path):
    """On real scenes: one image in two splits under two labels, one near-duplicate pair, six odd sizes."""
    report = eda(str(test_data / "intel"), out=tmp_path)
    counts = {check.name: check.count for check in report.checks if check.count}
    assert counts == {
        "leaks": 2,
        "label-conflicts": 2,
        "duplicates": 2,
        "near-duplicates": 2,
        "blurry": 3,
        "odd-size": 6,
    }
