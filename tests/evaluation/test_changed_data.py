"""A dataset that has changed since the run was trained, or that has one class only."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from imgclf.errors import DataError
from imgclf.evaluation import Options, evaluate
from imgclf.evaluation.evaluate import EvaluationResult
from imgclf.runs import Run, read_header

QUICK = Options(device="cpu", calibrate=False, near_duplicates=False)


@pytest.fixture
def own_shapes(shapes: Path, shapes_run_copy: Run, tmp_path: Path) -> Path:
    """A copy of the dataset, which the copy of the run takes for its own."""
    folder = tmp_path / "shapes"
    shutil.copytree(shapes, folder)
    text = shapes_run_copy.config.read_text(encoding="utf-8")
    shapes_run_copy.config.write_text(text.replace(str(shapes), str(folder)), encoding="utf-8")
    return folder


def told(result: EvaluationResult, beginning: str) -> list[str]:
    """The notes that begin so."""
    return [note.text for note in result.notes if note.text.startswith(beginning)]


def test_a_deleted_training_image_is_told_and_left_out(own_shapes: Path, shapes_run_copy: Run) -> None:
    """The test images are all there, so the run can be evaluated."""
    (own_shapes / "train" / "circle" / "00.png").unlink()
    result = evaluate(shapes_run_copy, options=QUICK)
    assert result.scores.images == 24
    (sentence,) = told(result, "1 image of `")
    assert sentence.endswith("is gone from 'shapes', for example train/circle/00.png. It is left out.")


def test_a_label_corrected_by_moving_the_file_counts(own_shapes: Path, shapes_run_copy: Run) -> None:
    """The image stays in its split, under its new class, and the change is told."""
    (own_shapes / "test" / "circle" / "00.png").rename(own_shapes / "test" / "square" / "moved.png")
    (own_shapes / "test" / "circle" / "01.png").unlink()
    result = evaluate(shapes_run_copy, options=QUICK)
    assert result.scores.images == 22
    assert told(result, "2 images of `test` are gone")
    (own_shapes / "test" / "square" / "moved.png").rename(own_shapes / "test" / "square" / "c.png")
    (own_shapes / "test" / "triangle" / "02.png").rename(own_shapes / "test" / "square" / "02b.png")
    assert evaluate(shapes_run_copy, options=QUICK).scores.images == 21


def test_a_moved_file_of_a_unique_name_is_recognised(own_shapes: Path, shapes_run_copy: Run) -> None:
    """`splits.csv` names it in its old folder; its name is known, and its new folder is its label."""
    text = shapes_run_copy.splits.read_text(encoding="utf-8")
    shapes_run_copy.splits.write_text(
        text.replace("test/circle/00.png", "test/circle/only.png"), encoding="utf-8"
    )
    (own_shapes / "test" / "circle" / "00.png").rename(own_shapes / "test" / "square" / "only.png")
    result = evaluate(shapes_run_copy, options=QUICK)
    assert result.scores.images == 24
    (sentence,) = told(result, "1 image has another label")
    assert "test/square/only.png: 'circle' then, 'square' now" in sentence


def test_a_split_that_is_mostly_gone_is_refused(own_shapes: Path, shapes_run_copy: Run) -> None:
    """Four of 24 test images say nothing of the run's test split."""
    for path in sorted((own_shapes / "test").rglob("*.png"))[4:]:
        path.unlink()
    with pytest.raises(DataError) as raised:
        evaluate(shapes_run_copy, options=QUICK)
    assert str(raised.value) == (
        "20 of the 24 test images that the run has seen are gone from 'shapes', for example "
        "test/circle/04.png. Has it moved or changed? Name the images to evaluate with --data."
    )


def test_a_folder_that_has_moved_is_said_to_have_moved(own_shapes: Path, shapes_run_copy: Run) -> None:
    """No list of registered datasets: it was a folder, and it is gone."""
    own_shapes.rename(own_shapes.with_name("elsewhere"))
    with pytest.raises(DataError) as raised:
        evaluate(shapes_run_copy, options=QUICK)
    assert str(raised.value) == (
        f"The dataset that {shapes_run_copy.name} was trained on, '{own_shapes}', is not there any more. Name the place "
        f"that it has now, or other images of the same classes, with --data."
    )


@pytest.mark.parametrize("inside", ["", "test"])
def test_images_of_one_class_can_be_evaluated(
    shapes: Path, shapes_run: Run, tmp_path: Path, inside: str, run_cli: Callable[..., object]
) -> None:
    """The model knows the classes; the images need not show them all."""
    folder = tmp_path / "one"
    shutil.copytree(shapes / "test" / "circle", folder / inside / "circle")
    result = evaluate(shapes_run, str(folder), options=QUICK, out=tmp_path / "out")
    assert result.scores.images == 8
    assert len(read_header(shapes_run.model_file).class_names) == 3
