"""The worst errors of a run's last evaluation, as images to explain."""

from contextlib import nullcontext, suppress
from pathlib import Path

from imgclf.data import ImageSource
from imgclf.errors import DataError, RunError
from imgclf.explain.subjects import Subject
from imgclf.inference import Predictor, choose_images
from imgclf.records import OnProgress
from imgclf.runs import Answers, Run, find_predictions, read_predictions


def worst_answers(run: Path, count: int) -> Answers:
    """Return the wrong answers that the model was surest of, the surest first.

    Args:
        run: the run directory.
        count: at most so many.

    Raises:
        RunError: the run was never evaluated, or made no mistake.
    """
    path = find_predictions(run)
    if path is None:
        raise RunError(
            f"{run}: has no predictions yet, so nobody knows its errors. First: imgclf evaluate --run {run}"
        )
    answers = read_predictions(path)
    surest = answers.surest_errors()
    if not len(surest):
        raise RunError(
            f"{path}: all {answers.answered.sum():,} answers are right; there is no error to explain."
        )
    return answers.select(surest[:count])


def worst_errors(
    predictor: Predictor,
    count: int,
    *,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> list[Subject]:
    """Return the images of the worst errors of a run's last evaluation.

    Args:
        predictor: of a run.
        count: at most so many.
        data_dir: where registered datasets live.
        progress: told how far a download is.

    Raises:
        RunError: the run was never evaluated, or made no mistake.
        DataError: its dataset is gone.
    """
    run = Run(predictor.file.parent)
    worst = worst_answers(run.path, count)
    images: dict[str, ImageSource] = {}
    # The file of answers does not say of which split they are; nearly always of the first.
    for split in ("test", "val", "train"):
        if all(file in images for file in worst.files):
            break
        with suppress(DataError) if split != "test" else nullcontext():
            chosen = choose_images(run, predictor.header, None, split, data_dir=data_dir, progress=progress)
            examples, wanted = chosen.examples, set(worst.files) - set(images)
            places = [place for place, file in enumerate(examples.files) if file in wanted]
            images |= {examples.files[place]: examples.images[place] for place in places}
    return [
        Subject(images.get(file, file), file, worst.class_names[label])
        for file, label in zip(worst.files, worst.labels, strict=True)
    ]
