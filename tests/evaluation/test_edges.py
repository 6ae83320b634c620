"""Awkward splits, broken files, and every sentence that an error may say."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from imgclf.data import Examples
from imgclf.errors import DataError, RunError, UsageError
from imgclf.evaluation import Options, evaluate
from imgclf.evaluation.calibrating import fit
from imgclf.evaluation.copies import find_copies
from imgclf.evaluation.members import leak_notes, open_members
from imgclf.evaluation.scores import as_plain, score
from imgclf.evaluation.sentences import score_notes
from imgclf.evaluation.worst import worst_errors
from imgclf.runs import Run, read_header, read_weights, save_model_file, update_header
from imgclf.runs.predictions import Answers, find_predictions, read_predictions, write_predictions
from imgclf.task import softmax


def _answers(images: int, classes: int, present: int, seed: int = 0) -> Answers:
    generator = np.random.default_rng(seed)
    labels = generator.integers(0, present, images)
    logits = generator.normal(size=(images, classes))
    logits[np.arange(images), labels] += 3
    names = tuple(f"class {index}" for index in range(classes))
    files = tuple(f"{index}.png" for index in range(images))
    return Answers(files, labels, softmax(logits), names, ("",) * images)


@pytest.mark.parametrize(
    ("images", "classes", "present"), [(50, 1000, 1000), (20, 3, 1), (30, 1, 1), (40, 5, 2), (0, 3, 3)]
)
def test_any_split_can_be_scored(images: int, classes: int, present: int) -> None:
    """A thousand classes, one class, absent classes, no image: numbers or null, never an exception."""
    scores = score(_answers(images, classes, present), 1.5)
    values = as_plain(scores)
    assert scores.images == images
    assert len(values["classes"]) == classes
    assert max(scores.top_k) == min(5, classes)
    if not images:
        assert values["accuracy"]["value"] is None
        assert "nothing can be measured" in score_notes(scores, "The test split")[0].text


def test_flawless_answers_still_have_an_interval() -> None:
    """Thirty right answers do not prove that the model never errs."""
    answers = _answers(30, 3, 3)
    right = replace(answers, probabilities=np.eye(3)[answers.labels] * 0.8 + 0.1)
    scores = score(right, 1.0)
    assert scores.accuracy.value == 1.0
    assert scores.accuracy.low < 0.9
    assert any(
        "All answers are right; the intervals are Wilson's" in one.text
        for one in score_notes(scores, "The test split")
    )


def test_an_unreadable_image_counts_in_no_number() -> None:
    """Its row of NaN is left out everywhere."""
    answers = _answers(30, 3, 3)
    values = answers.probabilities.copy()
    values[3] = np.nan
    broken = replace(answers, probabilities=values, errors=(*[""] * 3, "is empty", *[""] * 26))
    scores = score(broken, 2.0)
    assert (scores.images, scores.unreadable) == (29, 1)
    assert scores.matrix.sum() == 29


@pytest.mark.parametrize("ending", ["csv", "parquet"])
def test_answers_survive_the_file(ending: str, tmp_path: Path) -> None:
    """Names with commas, line breaks and quotes, errors and probabilities come back as they were."""
    answers = _answers(6, 3, 3)
    values = answers.probabilities.copy()
    values[1] = np.nan
    odd = replace(
        answers,
        files=('a,"b"\n.png', "é.png", "c.png", "d.png", "e.png", "f.png"),
        probabilities=values,
        class_names=("a,b", 'say "x"', "probability_z"),
        errors=("", "is empty (0 bytes)", "", "", "", ""),
    )
    path = tmp_path / f"predictions.{ending}"
    write_predictions(path, odd, top_k=50)
    back = read_predictions(path)
    assert (back.files, back.class_names, back.errors) == (odd.files, odd.class_names, odd.errors)
    assert np.array_equal(back.labels, odd.labels)
    assert np.allclose(back.probabilities, odd.probabilities, rtol=1e-8, equal_nan=True)
    assert find_predictions(tmp_path) == path


def test_tiny_probabilities_survive_the_csv(tmp_path: Path) -> None:
    """A probability of 1e-300 stays above zero, so that the temperature can be undone."""
    values = np.array([[1.0 - 1e-12, 1e-300]])
    answers = Answers(("a",), np.array([0]), values, ("x", "y"), ("",))
    write_predictions(tmp_path / "predictions.csv", answers)
    assert read_predictions(tmp_path / "predictions.csv").probabilities[0, 1] == 1e-300


@pytest.mark.parametrize(
    "content", ["", "file,label\na,b\n", "file,true_label,error,probability_x\na,strange,,0.5\n"]
)
def test_a_broken_file_of_predictions_is_named(content: str, tmp_path: Path) -> None:
    """A missing column or a class that is none is no crash."""
    path = tmp_path / "predictions.csv"
    path.write_text(content)
    with pytest.raises(
        RunError, match=r"not a readable file of predictions .* Write it anew with: imgclf evaluate"
    ):
        read_predictions(path)


def test_a_temperature_is_fitted_with_caution() -> None:
    """Few images carry a sentence; none wrong leaves the temperature alone."""
    few = fit(_answers(50, 4, 4), None)
    assert "fitted on only 50 images" in few.notes[0].text
    answers = _answers(200, 3, 3)
    flawless = replace(answers, probabilities=np.eye(3)[answers.labels] * 0.8 + 0.1)
    kept = fit(flawless, None)
    assert kept.temperature == 1.0
    assert "The temperature stays 1" in kept.notes[0].text


def test_an_unreachable_target_risk_is_said() -> None:
    """Where the surest answer is wrong there is no threshold."""
    answers = Answers(
        ("a", "b"), np.array([1, 0]), np.array([[0.99, 0.01], [0.6, 0.4]]), ("x", "y"), ("", "")
    )
    with pytest.raises(
        UsageError, match=r"No threshold brings the error rate on `val` \(2 images\) down to 0.10%"
    ):
        fit(answers, 0.001)


def test_copies_of_large_images_are_found_and_small_ones_left_alone() -> None:
    """Pixels at hand serve as well as files; eight pixels are too few to tell copies."""
    generator = np.random.default_rng(0)
    train = generator.integers(0, 255, (40, 32, 32, 3), dtype=np.uint8)
    test = generator.integers(0, 255, (10, 32, 32, 3), dtype=np.uint8)
    test[4] = train[7]
    examples = Examples(test, np.zeros(10, int), [f"t{index}" for index in range(10)])
    trained = Examples(train, np.ones(40, int), [f"r{index}" for index in range(40)])
    answers = replace(_answers(10, 2, 1), files=tuple(examples.files), labels=examples.labels)
    copies = find_copies(answers, examples, trained)
    assert [(one.image, one.training_image, one.distance) for one in copies.found] == [(4, 7, 0)]
    assert copies.other_label == 1
    assert copies.accuracy is not None
    assert find_copies(answers, examples, None).skipped.endswith("the training images are not at hand.")
    assert "would take about" in find_copies(answers, examples, trained, budget_seconds=0.0).skipped
    tiny = Examples(test[:, :8, :8], examples.labels, examples.files)
    assert "no image is 16 pixels or larger" in find_copies(answers, tiny, trained).skipped


def test_similar_layouts_are_no_copies() -> None:
    """Different pictures of one layout have close hashes; they are told apart."""
    from imgclf.data.lookalikes.similarity import MIN_SIMILARITY, halve, similarity

    generator = np.random.default_rng(0)
    layout = np.kron(generator.integers(40, 200, (4, 4)), np.ones((8, 8))).astype(np.int64)
    detail = generator.normal(0, 14, (30, 16, 16)).repeat(2, axis=1).repeat(2, axis=2)
    thumbnails = np.clip(layout + detail, 0, 255).astype(np.uint8)
    brighter = np.clip(thumbnails[:1].astype(int) + 12, 0, 255).astype(np.uint8)
    others = np.concatenate([brighter, thumbnails[1:2]])
    agreement = similarity(halve(thumbnails), halve(others), np.array([0, 0]), np.array([0, 1]))
    assert agreement[0] > MIN_SIMILARITY > agreement[1]


def test_the_worst_errors_are_the_surest(tmp_path: Path) -> None:
    """Most confident first; an image that has gone meanwhile gives its place to the next."""
    answers = _answers(20, 3, 3)
    wrong = replace(answers, labels=(answers.probabilities.argmax(axis=1) + 1) % 3)
    pixels = np.zeros((20, 16, 16, 3), np.uint8)
    surest = int(wrong.probabilities.max(axis=1).argmax())
    sources = [tmp_path / "gone.png" if index == surest else pixels[index] for index in range(20)]
    errors = worst_errors(wrong, Examples(sources, wrong.labels, wrong.files), 5)
    assert len(errors) == 5
    assert surest not in [error.index for error in errors]
    confidences = [error.confidence for error in errors]
    assert confidences == sorted(confidences, reverse=True)
    drawn = worst_errors(
        wrong, Examples(pixels, wrong.labels, wrong.files), 1, overlay=lambda source, index: pixels[0] + index
    )
    assert drawn[0].overlay is not None


def test_an_ensemble_needs_the_same_classes(shapes_run_copy: Run, tmp_path: Path) -> None:
    """Other class names cannot be averaged."""
    other = Run(Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "other")))
    header = read_header(other.model_file)
    update_header(other.model_file, replace(header, class_names=("a", "b", "c")))
    with pytest.raises(RunError, match="know different classes, so their answers cannot be averaged"):
        open_members([shapes_run_copy, other], "cpu")


def test_a_member_that_was_trained_on_the_images_is_reported(shapes_run_copy: Run, tmp_path: Path) -> None:
    """An ensemble's result is flattered by a member that has seen the test images."""
    other = Run(Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "other")))
    text = other.splits.read_text()
    other.splits.write_text(text.replace(",test\n", ",train\n"))
    result = evaluate([shapes_run_copy, other], options=Options(device="cpu", misclassified=0))
    assert any("other was trained on 24 of the evaluated images" in note.text for note in result.notes)
    assert not leak_notes(open_members([shapes_run_copy], "cpu"), Examples([], np.empty(0, int), []))


def test_members_with_classes_in_another_order_agree(shapes_run_copy: Run, tmp_path: Path) -> None:
    """Classes are matched by name: the same network with its outputs turned round gives the same answers."""
    other = Run(Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "turned")))
    header, weights = read_header(other.model_file), read_weights(other.model_file)
    turned = {
        name: tensor.flip(0) if tensor.shape[:1] == (3,) and tensor.ndim <= 2 and _is_head(name) else tensor
        for name, tensor in weights.items()
    }
    save_model_file(other.model_file, turned, replace(header, class_names=header.class_names[::-1]))
    options = Options(device="cpu", misclassified=0, calibrate=False)
    alone = evaluate(shapes_run_copy, options=options)
    together = evaluate([shapes_run_copy, other], options=options)
    ours, theirs = (read_predictions(one.files["predictions"]).probabilities for one in (alone, together))
    assert np.allclose(ours, theirs, atol=1e-5)


def _is_head(name: str) -> bool:
    return any(part in name for part in ("head", "fc", "classifier", "linear"))


def test_a_run_without_data_needs_one_named(shapes_run_copy: Run) -> None:
    """A bare model file does not know its images."""
    shapes_run_copy.config.unlink()
    update_header(shapes_run_copy.model_file, replace(read_header(shapes_run_copy.model_file), provenance={}))
    with pytest.raises(
        DataError, match=r"has neither a config.toml nor a dataset .* Name the images with --data"
    ):
        evaluate(shapes_run_copy, options=Options(device="cpu"))
