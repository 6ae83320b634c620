"""Evaluating a real run on real images."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from safetensors import safe_open
from safetensors.numpy import save_file

from imgclf import metrics
from imgclf.errors import DataError, RunError, UsageError
from imgclf.evaluation import EvaluationResult, Options, evaluate
from imgclf.inference import Predictor
from imgclf.runs import Run, read_header
from imgclf.runs.kept_images import MISCLASSIFIED, kept_images
from imgclf.runs.predictions import read_predictions

QUICK = Options(device="cpu", misclassified=4)


@pytest.fixture(scope="module")
def evaluated(shapes_run: Run, tmp_path_factory: pytest.TempPathFactory) -> EvaluationResult:
    """One evaluation of a copy of the run, to be read by many tests."""
    folder = tmp_path_factory.mktemp("evaluated") / shapes_run.name
    shutil.copytree(shapes_run.path, folder)
    return evaluate(folder, options=QUICK)


def test_the_test_split_is_evaluated_and_everything_is_written(evaluated: EvaluationResult) -> None:
    """Predictions, metrics, review, figures and report are in the run, and the model is better than chance."""
    assert (evaluated.split, evaluated.scores.images, evaluated.scores.unreadable) == ("test", 24, 0)
    assert evaluated.scores.accuracy.value > 0.5
    for name in ("predictions.csv", "metrics.json", "review.csv", "report.html", "classification_report.txt"):
        assert (evaluated.runs[0].path / name).is_file()
    drawn = {path.name for path in evaluated.files["figures"].iterdir()}
    assert {"confusion.png", "confusion_normalized.png", "classes.png", "roc_pr.png", "curves.png"} <= drawn
    assert {"reliability.png", "coverage_risk.png"} <= drawn


def test_the_images_of_the_worst_errors_are_kept(evaluated: EvaluationResult) -> None:
    """With both labels, so that they can be shown where the dataset is not."""
    kept = kept_images(evaluated.runs[0].path / MISCLASSIFIED)
    wrong = evaluated.scores.images - round(evaluated.scores.accuracy.value * evaluated.scores.images)
    assert len(kept) == wrong == len(evaluated.measured.errors)
    for image, error in zip(kept, evaluated.measured.errors, strict=True):
        assert (image.label, image.true_label) == (error.label, error.true_label)
        assert image.path.is_file()


def test_every_number_derives_from_the_saved_predictions(evaluated: EvaluationResult) -> None:
    """Reading the file again gives the accuracy, and each row has file, labels, confidence and probabilities."""
    answers = read_predictions(evaluated.files["predictions"])
    predictions = answers.probabilities.argmax(axis=1)
    assert (predictions == answers.labels).mean() == pytest.approx(evaluated.scores.accuracy.value)
    with evaluated.files["predictions"].open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0])[:7] == [
        "file", "true_label", "label", "confidence", "error", "top1_label", "top1_confidence",
    ]  # fmt: skip
    total = sum(float(rows[0][f"probability_{name}"]) for name in answers.class_names)
    assert total == pytest.approx(1.0)
    assert rows[0]["label"] == rows[0]["top1_label"]


def test_evaluation_and_predict_give_the_same_probabilities(
    evaluated: EvaluationResult, shapes: Path
) -> None:
    """The saved probabilities are those of the Python API, to rounding, in fp32."""
    answers = read_predictions(evaluated.files["predictions"])
    predictor = Predictor.open(evaluated.runs[0].path, device="cpu")
    paths = sorted((shapes / "test").rglob("*.png"))
    by_name = {Path(file).name + Path(file).parent.name: index for index, file in enumerate(answers.files)}
    for path, prediction in zip(paths, predictor.predict(paths), strict=True):
        ours = answers.probabilities[by_name[path.name + path.parent.name]]
        theirs = [prediction.probabilities[name] for name in answers.class_names]
        assert np.allclose(ours, theirs, atol=1e-5)


def test_metrics_are_added_to_the_run_as_valid_json(evaluated: EvaluationResult) -> None:
    """The run's status stays, the split's numbers are beside it, and no NaN breaks other programs."""

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    text = evaluated.files["metrics"].read_text(encoding="utf-8")
    values = json.loads(text, parse_constant=refuse)
    assert values["status"] == "finished"
    test = values["evaluation"]["test"]
    assert test["accuracy"]["low"] <= test["accuracy"]["value"] <= test["accuracy"]["high"]
    assert test["images"] == 24
    assert [one["name"] for one in test["classes"]] == ["circle", "square", "triangle"]


def test_a_small_split_says_what_it_cannot_tell(evaluated: EvaluationResult) -> None:
    """Twenty-four images carry a sentence of warning."""
    assert any("split is small (24 images)" in note.text for note in evaluated.notes)


def test_a_second_evaluation_gives_the_same_bytes(shapes_run_copy: Run) -> None:
    """Nothing is left to chance: the predictions of two evaluations are equal, and so is the model file."""
    first = evaluate(shapes_run_copy, options=QUICK)
    content, model = first.files["predictions"].read_bytes(), shapes_run_copy.model_file.read_bytes()
    second = evaluate(shapes_run_copy, options=QUICK)
    assert second.files["predictions"].read_bytes() == content
    assert shapes_run_copy.model_file.read_bytes() == model


def test_the_temperature_goes_into_the_model_file(shapes_run_copy: Run) -> None:
    """What is fitted on val is what predict divides by; without calibration the file stays as it is."""
    before = shapes_run_copy.model_file.read_bytes()
    plain = evaluate(shapes_run_copy, options=Options(device="cpu", calibrate=False, misclassified=0))
    assert shapes_run_copy.model_file.read_bytes() == before
    assert plain.scores.calibrated.temperature == 1.0
    result = evaluate(shapes_run_copy, options=QUICK)
    assert read_header(shapes_run_copy.model_file).temperature == result.scores.calibrated.temperature


def test_a_target_risk_is_stored_as_a_threshold(shapes_run_copy: Run) -> None:
    """The threshold is in the model file, and predict says unknown below it."""
    result = evaluate(shapes_run_copy, options=Options(device="cpu", target_risk=0.0, misclassified=0))
    header = read_header(shapes_run_copy.model_file)
    assert header.threshold is not None
    assert header.provenance["threshold_on_val"]["risk"] == 0.0
    point = result.measured.rejection.point
    assert point is not None
    assert point.threshold == header.threshold
    noise = np.random.default_rng(0).integers(0, 255, (32, 32, 3), dtype=np.uint8)
    answer = Predictor.open(shapes_run_copy.path, device="cpu").predict(noise)[0]
    assert (answer.label == "unknown") == (answer.confidence < header.threshold)


def test_an_impossible_target_risk_is_refused(shapes_run_copy: Run) -> None:
    """An error rate is a share, and it is chosen on the run's own validation images."""
    with pytest.raises(UsageError, match=r"The target risk is 1\.5, but an error rate is from 0 up to 1"):
        evaluate(shapes_run_copy, options=Options(device="cpu", target_risk=1.5))
    with pytest.raises(
        UsageError, match="--target-risk chooses the threshold on the `val` images of one run"
    ):
        evaluate(shapes_run_copy, options=Options(device="cpu", target_risk=0.1, tta="flip"))


def test_val_is_evaluated_without_computing_it_twice(shapes_run_copy: Run) -> None:
    """The answers that the temperature was fitted on are the evaluation's."""
    phases = []
    result = evaluate(
        shapes_run_copy, split="val", options=QUICK, progress=lambda one: phases.append(one.phase)
    )
    assert result.split == "val"
    assert "Evaluating" not in phases
    direct = evaluate(shapes_run_copy, split="val", options=Options(device="cpu", calibrate=False))
    assert direct.scores.calibrated.log_loss == pytest.approx(result.scores.calibrated.log_loss, rel=1e-5)


def test_training_images_are_evaluated_with_a_warning(shapes_run_copy: Run) -> None:
    """Nobody should take the training accuracy for the model's."""
    result = evaluate(shapes_run_copy, split="train", options=QUICK)
    assert any("trained on these images" in note.text for note in result.notes)
    assert not result.measured.suspects.found


def test_without_a_test_split_val_is_taken_and_said(
    shapes: Path, shapes_run_copy: Run, tmp_path: Path
) -> None:
    """A dataset with training images only is evaluated on val."""
    data = tmp_path / "onlytrain"
    shutil.copytree(shapes / "train", data)
    text = shapes_run_copy.config.read_text().replace(str(shapes), str(data))
    shapes_run_copy.config.write_text(text)
    shapes_run_copy.splits.unlink()
    result = evaluate(shapes_run_copy, options=QUICK)
    assert result.split == "val"
    assert any("has no test split, so `val` is evaluated" in note.text for note in result.notes)


def _folder(root: Path, names: list[str], size: int = 32) -> Path:
    generator = np.random.default_rng(0)
    for name in names:
        for index in range(3):
            path = root / name / f"{index}.png"
            path.parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(generator.integers(0, 255, (size, size, 3), dtype=np.uint8)).save(path)
    return root


def test_another_dataset_is_matched_by_class_name(shapes_run_copy: Run, tmp_path: Path) -> None:
    """Its classes may come in another number; what is absent is said, and the run's own files stay."""
    data = _folder(tmp_path / "others", ["triangle", "square"])
    result = evaluate(shapes_run_copy, str(data), options=QUICK)
    assert result.scores.images == 6
    support = {row.name: row.images for row in result.scores.classes}
    assert support == {"circle": 0, "square": 3, "triangle": 3}
    assert result.files["predictions"].parent.name == "evaluation-others"
    assert not (shapes_run_copy.path / "predictions.csv").exists()
    assert any("1 classes that this dataset lacks: 'circle'" in note.text for note in result.notes)


def test_unknown_classes_are_a_clear_error(shapes_run_copy: Run, tmp_path: Path) -> None:
    """The message names the class, suggests the nearest, and says what to do."""
    data = _folder(tmp_path / "strange", ["circles", "square"])
    with pytest.raises(DataError, match=r"1 of the 2 classes of 'strange' are unknown .*'circles'") as caught:
        evaluate(shapes_run_copy, str(data), options=QUICK)
    assert "Did you mean 'circle'? The model knows: circle, square, triangle." in str(caught.value)


def test_a_dataset_without_the_split_is_an_error(shapes_run_copy: Run, tmp_path: Path) -> None:
    """A split that is not there is named, with those that are."""
    data = _folder(tmp_path / "few", ["circle", "square"])
    with pytest.raises(DataError, match="The dataset 'few' has no val images; it has: train"):
        evaluate(shapes_run_copy, str(data), split="val", options=QUICK)


def test_an_unreadable_image_has_a_row_with_its_error(shapes_run_copy: Run, tmp_path: Path) -> None:
    """It counts in no figure, and no neighbour's answer stands under its name."""
    data = _folder(tmp_path / "damaged", ["circle", "square"])
    whole = (data / "circle" / "0.png").read_bytes()
    (data / "circle" / "0.png").write_bytes(whole[: len(whole) // 2])
    result = evaluate(shapes_run_copy, str(data), options=QUICK)
    assert (result.scores.images, result.scores.unreadable) == (5, 1)
    with result.files["predictions"].open(newline="") as file:
        rows = {Path(row["file"]).parent.name + row["file"][-5:]: row for row in csv.DictReader(file)}
    bad = rows["circle0.png"]
    assert bad["error"]
    assert (bad["label"], bad["confidence"], bad["probability_circle"]) == ("", "", "")
    assert "1 images have no answer" in " ".join(note.text for note in result.notes)


def test_a_copy_of_a_training_image_is_found_and_left_out(
    shapes: Path, shapes_run_copy: Run, tmp_path: Path
) -> None:
    """The accuracy is given again without it, and its other label is noticed."""
    data = tmp_path / "leaky"
    shutil.copytree(shapes, data)
    with shapes_run_copy.splits.open(newline="") as file:
        trained = [Path(row["file"]).name for row in csv.DictReader(file) if row["split"] == "train"]
    circle = data / "train" / "circle" / trained[0]
    shutil.copyfile(circle, data / "test" / "square" / "leak.png")
    shapes_run_copy.config.write_text(shapes_run_copy.config.read_text().replace(str(shapes), str(data)))
    shapes_run_copy.splits.unlink()
    result = evaluate(shapes_run_copy, options=QUICK)
    copies = result.measured.copies
    pairs = result.values["near_duplicates"]["pairs"]
    assert any(pair["file"].endswith("leak.png") for pair in pairs)
    assert copies.other_label >= 1
    assert copies.accuracy is not None
    assert "Without" in " ".join(note.text for note in result.notes if "near-duplicate" in note.text)


@pytest.mark.parametrize(("tta", "views"), [("flip", 2), ("five-crop", 5)])
def test_augmentation_at_test_time_says_what_it_costs(shapes_run_copy: Run, tta: str, views: int) -> None:
    """The answers change a little, the cost in time is said, and the run's own predictions stay."""
    result = evaluate(shapes_run_copy, options=Options(device="cpu", tta=tta, misclassified=0))
    assert result.files["predictions"].parent.name == f"evaluation-{tta}"
    assert any(f"{views} views an image" in note.text and "times" in note.text for note in result.notes)
    assert result.scores.uncalibrated is None


def test_an_ensemble_averages_probabilities(shapes_run_copy: Run, tmp_path: Path) -> None:
    """Two runs with different weights give the mean of what each gives alone."""
    other = Run(Path(shutil.copytree(shapes_run_copy.path, tmp_path / "runs" / "other")))
    _shrink_weights(other.model_file)
    together = read_predictions(
        (result := evaluate([shapes_run_copy, other], options=QUICK)).files["predictions"]
    )
    alone = Options(device="cpu", calibrate=False)
    first, second = (
        read_predictions(evaluate(run, options=alone).files["predictions"]).probabilities
        for run in (shapes_run_copy, other)
    )
    assert np.abs(first - second).max() > 0.05
    assert np.allclose(together.probabilities, (first + second) / 2, atol=1e-6)
    assert result.files["predictions"].parent.name == "evaluation-ensemble-of-2"
    notes = [note.text for note in result.notes]
    assert any("mean over 2 models" in text for text in notes)
    assert [text for text in notes if "was trained on" in text] == []


def _shrink_weights(model_file: Path) -> None:
    """Halve the last layer's weights, which makes every probability less sure."""
    with safe_open(model_file, framework="numpy") as file:
        metadata, names = file.metadata(), list(file.keys())
        weights = {name: file.get_tensor(name) for name in names}
    last = next(name for name in reversed(names) if weights[name].ndim == 2)
    save_file({**weights, last: weights[last] / 2}, model_file, metadata)


def test_parquet_holds_the_same_answers(shapes_run_copy: Run) -> None:
    """The other format reads back to the same numbers, and the older file goes."""
    first = evaluate(shapes_run_copy, options=QUICK)
    second = evaluate(shapes_run_copy, options=Options(device="cpu", file_format="parquet", misclassified=0))
    assert second.files["predictions"].suffix == ".parquet"
    assert not first.files["predictions"].exists()
    assert second.scores.accuracy == first.scores.accuracy


def test_a_missing_run_is_an_error() -> None:
    """There is nothing to evaluate."""
    with pytest.raises(RunError, match="There is no run 'nowhere'"):
        evaluate("nowhere")


def test_the_report_is_self_contained_and_escaped(evaluated: EvaluationResult) -> None:
    """The page loads nothing, and shows the run's name."""
    page = evaluated.files["report"].read_text(encoding="utf-8")
    assert "http://" not in page.replace("http://www.w3.org", "")
    assert 'src="/' not in page
    assert f"Evaluation of {evaluated.runs[0].name}" in page
    assert page.count("data:image/png;base64,") >= 6


def test_the_matrix_agrees_with_the_file(evaluated: EvaluationResult) -> None:
    """The confusion matrix counts each image once."""
    answers = read_predictions(evaluated.files["predictions"])
    matrix = metrics.confusion_matrix(answers.labels, answers.probabilities.argmax(axis=1), 3)
    assert np.array_equal(matrix, evaluated.scores.matrix)
    assert matrix.sum() == 24
