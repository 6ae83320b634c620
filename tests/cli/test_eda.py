"""``imgclf eda``."""

import json
import shutil
from pathlib import Path

from PIL import Image


def test_without_data_it_looks_at_digits(run_cli):
    """The embedded default is named, tables go to stdout, the rest to stderr."""
    result = run_cli("eda", "--out", "look")
    assert result.code == 0
    assert result.err.startswith("No --data given: looking at digits.\nBalanced: ")
    assert "Wrote look/report.html" in result.err
    assert result.err.endswith("Next: imgclf train --data digits\n")
    assert result.out.splitlines()[0].split() == ["class", "train", "test"]
    assert "near-duplicates          Not judged" in result.out
    assert "1,797 images in " in result.err


def test_json_is_the_summary(run_cli):
    """``--json`` writes what ``summary.json`` holds, and nothing else, to stdout."""
    result = run_cli("eda", "--json", "--out", "look", "--quiet")
    assert json.loads(result.out) == json.loads(Path("look/summary.json").read_text(encoding="utf-8"))
    assert result.err == ""


def test_fail_on_exits_with_four(run_cli, shapes: Path):
    """A check that finds something fails the command after everything is written."""
    broken = Path("photos")
    for name in ("a", "b"):
        (broken / name).mkdir(parents=True)
        Image.open(next((shapes / "train" / "circle").iterdir())).save(broken / name / "1.png")
    (broken / "a" / "bad.png").write_bytes(b"nothing of an image")
    result = run_cli("eda", "--data", broken, "--fail-on", "unreadable,dark", "--out", "look")
    assert result.code == 4
    assert result.err.endswith("Error: --fail-on: unreadable (1). See look/report.html.\n")
    assert "a/bad.png: is a text file" in result.out
    assert Path("look/files.csv").is_file()


def test_fail_on_nothing_found_is_success(run_cli, shapes: Path):
    """Checks that find nothing let the command pass."""
    assert (
        run_cli("eda", "--data", shapes, "--fail-on", "unreadable,wrong-extension", "--out", "look").code == 0
    )


def test_unknown_check_is_a_usage_error(run_cli):
    """A misspelt check ends with 2 before anything is read."""
    result = run_cli("eda", "--fail-on", "leeks")
    assert result.code == 2
    assert "Did you mean 'leaks'?" in result.err
    assert not Path("eda").exists()


def test_mixed_sizes_and_dataset_warnings_are_told(run_cli):
    """Sizes that differ and what the dataset warns of are said to the person."""
    for name, width in (("a", 30), ("b", 90)):
        Path("photos", name).mkdir(parents=True)
        Image.new("RGB", (width, 40), (width, 90, 20)).save(Path("photos", name, "1.png"))
    Path("photos", "empty").mkdir()
    result = run_cli("eda", "--data", "photos", "--out", "look")
    assert "Warning: Class folders without any image are left out: 'empty'." in result.err
    assert "Images are 30 to 90 pixels wide and 40 high, median 60 × 40.\n" in result.err


def test_a_second_look_says_that_it_knew_the_images(run_cli, shapes: Path):
    """What an earlier look measured is not measured again, and the person is told."""
    shutil.copytree(shapes / "train", "photos")
    first, second = (run_cli("eda", "--data", "photos", "--out", "look") for _ in range(2))
    assert "earlier look" not in first.err
    assert ", all measured by an earlier look\n" in second.err


def test_fail_on_a_check_that_could_not_judge_warns(run_cli, shapes: Path):
    """A check without an answer must not look like a pass."""
    result = run_cli("eda", "--data", shapes, "--fail-on", "blurry", "--out", "look")
    assert result.code == 0
    assert (
        "Warning: --fail-on blurry has no say here. Not judged: every image has a side below 64 pixels.\n"
        in result.err
    )


def test_recipe_brings_its_dataset(run_cli, shapes: Path):
    """With a recipe and no ``--data``, the recipe's dataset is looked at, with its augmentation."""
    Path("mine.toml").write_text(
        f'[data]\ndataset = "{shapes}"\n[image]\nsize = 32\n[augment]\ntransforms = [{{ name = "RandomVerticalFlip" }}]\n',
        encoding="utf-8",
    )
    result = run_cli("eda", "--recipe", "mine.toml", "--out", "look")
    assert result.code == 0
    assert f"No --data given: looking at {shapes}." in result.err
    assert Path("look/figures/augmented.png").is_file()


def test_what_was_read_as_what_is_a_table(run_cli, shapes: Path):
    """Columns by wish, gaps counted: on the terminal, in the summary, and in one line before training."""
    images = sorted(shapes.glob("test/*/*.png"))
    rows = "".join(f"{path},{path.parent.name},x\n" for path in images[:-1])
    Path("scans.csv").write_text(f"path,diagnosis,label\n{rows}{images[-1]},,x\n", encoding="utf-8")
    result = run_cli("eda", "--data", "scans.csv", "--label-column", "diagnosis", "--out", "look")
    assert result.code == 0
    assert "read as                   manifest\n" in result.out
    assert "label                     column 'diagnosis'\n" in result.out
    assert "left out without a label  1\n" in result.out
    summary = json.loads(Path("look/summary.json").read_text(encoding="utf-8"))
    assert summary["read_as"]["left_out"] == {"without a label": 1}
    assert summary["classes"] == ["circle", "square", "triangle"]
