"""Comparing runs on the same images."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from imgclf.errors import DataError, UsageError
from imgclf.evaluation import compare, verdict
from imgclf.evaluation.compare import _common
from imgclf.metrics import Interval, McNemar
from imgclf.runs import Run
from imgclf.runs.predictions import Answers, read_predictions, write_predictions


@pytest.fixture
def pair(shapes_run_copy: Run, tmp_path: Path) -> tuple[Run, Run]:
    """A run with saved answers that are all right, and a copy whose answers are half wrong."""
    other = Run(Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "worse")))
    with shapes_run_copy.splits.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["split"] == "test"]
    names = ("circle", "square", "triangle")
    labels = np.array([names.index(row["label"]) for row in rows])
    for run, wrong in ((shapes_run_copy, 0), (other, 12)):
        given = np.where(np.arange(len(labels)) < wrong, (labels + 1) % 3, labels)
        answers = Answers(
            files=tuple(row["file"] for row in rows),
            labels=labels,
            probabilities=np.full((len(rows), 3), 0.1) + 0.7 * np.eye(3)[given],
            class_names=names,
            errors=("",) * len(rows),
        )
        write_predictions(run.path / "predictions.csv", answers)
    return shapes_run_copy, other


def test_a_clear_difference_is_called_one(pair: tuple[Run, Run]) -> None:
    """Twelve images that only one gets right are more than noise, and are listed."""
    first, second = pair
    result = compare([first.path, second.path])
    duel = result.duels[0]
    assert result.images == 24
    assert duel.significant
    assert (duel.test.only_first, duel.test.only_second) == (12, 0)
    assert duel.accuracy.value == pytest.approx(-0.5)
    assert f"{first.name} is better than {second.name} by more than noise" in duel.sentence
    with result.files["disagreements"].open(newline="") as file:
        assert len(list(csv.DictReader(file))) == 12
    values = json.loads(result.files["comparison"].read_text())
    assert values["runs"][0]["megabytes"] > 0
    assert values["runs"][0]["training_seconds"] > 0


def test_a_run_without_saved_answers_is_evaluated(shapes_run_copy: Run, tmp_path: Path) -> None:
    """Two copies of one run answer alike, and that is said."""
    other = Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "other"))
    result = compare([shapes_run_copy.path, other], device="cpu")
    assert "right and wrong on the very same images" in result.duels[0].sentence
    assert not result.duels[0].significant
    assert (other / "predictions.csv").is_file()


def test_only_common_images_are_compared(pair: tuple[Run, Run]) -> None:
    """An image that one run could not answer counts for neither."""
    first, second = pair
    path = first.path / "predictions.csv"
    answers = read_predictions(path)
    values = answers.probabilities.copy()
    values[0] = np.nan
    errors = ("is empty", *answers.errors[1:])
    write_predictions(path, Answers(answers.files, answers.labels, values, answers.class_names, errors))
    result = compare([first.path, second.path])
    assert result.images == 23
    assert any("Only the 23 images that all runs answered" in note.text for note in result.notes)


def test_one_run_alone_or_twice_is_refused(shapes_run: Run) -> None:
    """A comparison needs two different runs."""
    with pytest.raises(UsageError, match="needs two runs or more, but 1 was given"):
        compare([shapes_run.path])
    with pytest.raises(UsageError, match="is given twice; a run does not differ from itself"):
        compare([shapes_run.path, shapes_run.path])


def test_runs_without_common_images_or_classes_are_refused(pair: tuple[Run, Run]) -> None:
    """What cannot be paired is not compared."""
    first, second = (read_predictions(run.path / "predictions.csv") for run in pair)
    strange = Answers(second.files, second.labels, second.probabilities, ("a", "b", "c"), second.errors)
    with pytest.raises(DataError, match=r"worse and .* know different classes, so they cannot be compared"):
        _common(pair, [first, strange])
    elsewhere = tuple(f"other/{file}" for file in second.files)
    moved = Answers(elsewhere, second.labels, second.probabilities, second.class_names, second.errors)
    with pytest.raises(DataError, match="have no images in common"):
        _common(pair, [first, moved])


def test_classes_in_another_order_are_matched_by_name(pair: tuple[Run, Run]) -> None:
    """The second run numbers its classes differently; the answers are the same."""
    first = read_predictions(pair[0].path / "predictions.csv")
    order = [2, 0, 1]
    turned = Answers(
        files=first.files[::-1],
        labels=np.argsort(order)[first.labels][::-1],
        probabilities=first.probabilities[:, order][::-1],
        class_names=tuple(first.class_names[index] for index in order),
        errors=first.errors,
    )
    (ours, theirs), _ = _common(pair, [first, turned])
    assert ours.files == theirs.files
    assert np.array_equal(ours.labels, theirs.labels)
    assert np.allclose(ours.probabilities, theirs.probabilities)


@pytest.mark.parametrize(
    ("only_first", "only_second", "p_value", "tests", "expected"),
    [
        (3, 5, 0.7, 1, "No more than noise: B against A"),
        (3, 20, 0.0005, 1, "B is better than A by more than noise"),
        (20, 3, 0.0005, 1, "A is better than B by more than noise"),
        (3, 12, 0.04, 2, "No more than noise"),
        (0, 0, 1.0, 1, "B and A are right and wrong on the very same images"),
    ],
)
def test_the_verdict_says_who_is_better(
    only_first: int, only_second: int, p_value: float, tests: int, expected: str
) -> None:
    """In words, and stricter where several runs are compared at once."""
    value = (only_second - only_first) / 100
    accuracy = Interval(value, value - 0.05, value + 0.05)
    sentence, significant = verdict(
        "A", "B", accuracy, McNemar(only_first, only_second, p_value, exact=True), tests
    )
    assert sentence.startswith(expected)
    assert significant == ("better" in expected)
