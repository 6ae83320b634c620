"""Likely label errors, and what a person makes of them."""

import csv
import re
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgclf.data import open_dataset, read_image
from imgclf.errors import DataError
from imgclf.evaluation import apply_review, read_review, suspects
from imgclf.evaluation.suspects import Suspect, find_suspects, write_review
from imgclf.runs import Run, read_header, update_header
from imgclf.runs.predictions import Answers
from imgclf.task import softmax


def _answers(flipped: int) -> Answers:
    """Two hundred good answers of which ``flipped`` have a wrong label."""
    generator = np.random.default_rng(0)
    labels = generator.integers(0, 4, 200)
    logits = generator.normal(size=(200, 5))
    logits[np.arange(200), labels] += 8
    labels[:flipped] = (labels[:flipped] + 1) % 4
    files = tuple(f"{index:03d}.png" for index in range(200))
    return Answers(files, labels, softmax(logits), ("a", "b", "c", "d", "never seen"), ("",) * 200)


@pytest.mark.parametrize("method", ["cleanlab", "confident learning"])
def test_wrong_labels_are_found(method: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """With cleanlab or without, the images whose label was changed come first, with the right suggestion."""
    if method == "cleanlab":
        pytest.importorskip("cleanlab", reason="the extra 'review' is not installed")
    else:
        monkeypatch.setattr(suspects, "find_spec", lambda name: None)
    found = find_suspects(_answers(10), "test")
    assert found.method == method
    assert {int(one.file[:3]) for one in found.found[:10]} == set(range(10))
    assert all(one.label != one.suggested for one in found.found)
    assert all(one.suggested_confidence > one.label_confidence for one in found.found[:10])


def test_one_class_has_no_suspects() -> None:
    """Where all labels are the same there is nothing to mix up."""
    answers = _answers(0)
    one = answers.select(answers.labels == 0)
    assert find_suspects(one, "test").found == ()


def _review(path: Path, rows: list[tuple[str, str]], run: Run, split: str = "train") -> Path:
    """Write a review of the first images of a split with these (class, new label) pairs."""
    with run.splits.open(newline="") as file:
        known = [row for row in csv.DictReader(file) if row["split"] == split]
    chosen = []
    for label, new in rows:
        row = next(one for one in known if one["label"] == label)
        known.remove(row)
        chosen.append((Suspect(row["file"], split, label, new or label, 0.1, 0.9), new))
    write_review(path, [one for one, _ in chosen])
    assert path.read_bytes().startswith(b"\xef\xbb\xbffile,")  # Excel reads UTF-8 only with this mark
    lines = path.read_text(encoding="utf-8-sig").splitlines()
    edited = [lines[0], *(line + new for line, (_, new) in zip(lines[1:], chosen, strict=True))]
    path.write_text("\n".join(edited) + "\n")
    return path


def test_an_edited_review_becomes_a_manifest(shapes: Path, shapes_run: Run, tmp_path: Path) -> None:
    """One label changed, one image left out, the others as they were; the images stay where they are."""
    before = sorted(shapes.rglob("*.png"))
    review = _review(
        tmp_path / "review.csv", [("circle", "square"), ("circle", "drop"), ("square", "")], shapes_run
    )
    result = apply_review(review, shapes_run, tmp_path / "manifest.csv")
    assert (result.images, result.changed, result.dropped) == (95, 1, 1)
    assert sorted(shapes.rglob("*.png")) == before
    dataset = open_dataset(str(result.manifest))
    assert set(dataset.splits) == {"train", "val", "test"}
    counts = {split: len(part) for split, part in dataset.splits.items()}
    assert counts["test"] == 24
    assert sum(counts.values()) == 95
    changed = read_review(review)[0][1]
    train = dataset.splits["train"]
    place = next(
        i for i, file in enumerate(train.files) if file.endswith(Path(changed.file).name) and "circle" in file
    )
    assert dataset.class_names[train.labels[place]] == "square"


def test_a_manifest_is_not_overwritten(shapes_run: Run, tmp_path: Path) -> None:
    """What is there already stays unless that is asked for."""
    review = _review(tmp_path / "review.csv", [("circle", "square")], shapes_run)
    manifest = tmp_path / "manifest.csv"
    manifest.write_text("precious")
    with pytest.raises(DataError, match=r"exists already\. Choose another file with --output"):
        apply_review(review, shapes_run, manifest)
    assert manifest.read_text() == "precious"
    assert apply_review(review, shapes_run, manifest, overwrite=True).changed == 1


def test_mistakes_in_a_review_are_named(shapes_run: Run, tmp_path: Path) -> None:
    """An unknown class, an unknown image, no change, no such file: each has its sentence."""
    manifest = tmp_path / "manifest.csv"
    typo = _review(tmp_path / "typo.csv", [("circle", "sqare")], shapes_run)
    with pytest.raises(DataError, match=r"line 2: 'sqare' is no class. Did you mean 'square'\?"):
        apply_review(typo, shapes_run, manifest)
    same = _review(tmp_path / "same.csv", [("circle", "")], shapes_run)
    with pytest.raises(DataError, match="its column new_label changes nothing"):
        apply_review(same, shapes_run, manifest)
    other = tmp_path / "other.csv"
    other.write_text(typo.read_text().replace("circle/", "elsewhere/").replace("sqare", "square"))
    with pytest.raises(DataError, match="1 of its images are not in the run's dataset"):
        apply_review(other, shapes_run, manifest)
    with pytest.raises(DataError, match=r"none\.csv cannot be read as CSV: No such file or directory\.$"):
        apply_review(tmp_path / "none.csv", shapes_run, manifest)
    (tmp_path / "table.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="it lacks the column file"):
        apply_review(tmp_path / "table.csv", shapes_run, manifest)
    assert not manifest.exists()


def test_images_that_are_no_files_go_into_parquet(shapes_run: Run, tmp_path: Path) -> None:
    """The digits live inside a library: a CSV cannot name them, and Parquet holds them with every pixel."""
    run = Run(Path(shutil.copytree(shapes_run.path, tmp_path / "digits")))
    update_header(run.model_file, replace(read_header(run.model_file), class_names=("0", "1", "2")))
    text = run.config.read_text()
    line = next(line for line in text.splitlines() if line.startswith("dataset"))
    run.config.write_text(text.replace(line, 'dataset = "digits"'))
    digits = open_dataset("digits").splits["train"]
    rows = [f"{digits.files[index]},{digits.labels[index]},train\n" for index in range(30)]
    run.splits.write_text("file,label,split\n" + "".join(rows))
    review, new = tmp_path / "review.csv", "1" if digits.labels[0] != 1 else "2"
    write_review(review, [Suspect(digits.files[0], "train", str(digits.labels[0]), new, 0.1, 0.9)])
    review.write_text(review.read_text().rstrip("\n") + f"{new}\n")
    with pytest.raises(DataError, match="The images of 'digits' are not files of their own"):
        apply_review(review, run, tmp_path / "manifest.csv")
    result = apply_review(review, run, tmp_path / "manifest.parquet")
    assert (result.images, result.changed) == (30, 1)
    again = open_dataset(str(result.manifest))
    train = again.splits["train"]
    assert again.class_names[train.labels[0]] == new
    first = np.asarray(read_image(train.images[0], channels=1))
    assert np.array_equal(first, np.asarray(read_image(digits.images[0], channels=1)))


def test_a_run_that_names_no_dataset_cannot_be_relabelled(shapes_run: Run, tmp_path: Path) -> None:
    """A bare model file from elsewhere may not say what it was trained on."""
    run = Run(tmp_path / "bare")
    run.path.mkdir()
    shutil.copyfile(shapes_run.model_file, run.model_file)
    update_header(run.model_file, replace(read_header(run.model_file), provenance={}))
    review = _review(tmp_path / "review.csv", [("circle", "square")], shapes_run)
    with pytest.raises(DataError, match="does not say which dataset it was trained on"):
        apply_review(review, run, tmp_path / "manifest.csv")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-8-sig", "utf-16"])
def test_a_review_is_read_as_spreadsheets_save_it(tmp_path: Path, encoding: str) -> None:
    """Semicolons, decimal commas, the encoding of Windows: what Excel makes of the file in many countries."""
    path = tmp_path / "review.csv"
    rows = [
        "file;split;label;suggested;label_confidence;suggested_confidence;new_label",
        "grün/Müsli 1.jpg;test;grün;blau;0,0312;0,9688;blau",
    ]
    path.write_bytes("\r\n".join(rows).encode(encoding))
    suspect = Suspect("grün/Müsli 1.jpg", "test", "grün", "blau", 0.0312, 0.9688)
    assert read_review(path) == [(2, suspect, "blau")]


def test_a_confidence_that_is_no_number_is_told(tmp_path: Path) -> None:
    """The line and the cell are named."""
    path = tmp_path / "review.csv"
    write_review(path, [Suspect("a.png", "test", "a", "b", 0.1, 0.9)])
    path.write_text(path.read_text(encoding="utf-8").replace("0.1000", "much"), encoding="utf-8")
    sentence = f"{path}, line 2: 'much' is no confidence, expected a number from 0 to 1. Only new_label is for writing."
    with pytest.raises(DataError, match=f"^{re.escape(sentence)}$"):
        read_review(path)
