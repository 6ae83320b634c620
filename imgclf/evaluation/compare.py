"""Compare runs on the same images: which is better, and is that more than noise?"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from imgclf import metrics
from imgclf.atomic import write_text
from imgclf.errors import DataError, UsageError
from imgclf.evaluation.evaluate import evaluate
from imgclf.evaluation.result import Options
from imgclf.evaluation.saved import files_of_split, saved_answers
from imgclf.evaluation.scores import Scores, score, without_nan
from imgclf.inference import Note
from imgclf.metrics import Interval, McNemar
from imgclf.records import OnProgress
from imgclf.runs import Answers, Run, open_run, read_header, read_predictions
from imgclf.tables import csv_text


@dataclass(frozen=True, eq=False)
class Contender:
    """One of the runs.

    Attributes:
        run: the run.
        arch: the network.
        scores: on the images that all runs answered.
        megabytes: size of the model file.
        images_per_second: in its last evaluation; None where unknown.
        training_seconds: None where unknown.
        answers: for the common images, in the common order.
    """

    run: Run
    arch: str
    scores: Scores
    megabytes: float
    images_per_second: float | None
    training_seconds: float | None
    answers: Answers

    @property
    def predictions(self) -> np.ndarray:
        """The predicted classes, int64 (N,)."""
        return self.answers.predicted


@dataclass(frozen=True)
class Duel:
    """A run against the first one, on the same images.

    Attributes:
        first: the first run's name.
        second: the other's.
        accuracy: second minus first, with the paired bootstrap's interval.
        macro_f1: second minus first, with the paired bootstrap's interval.
        test: McNemar's test.
        sentence: what that means.
        significant: whether the difference is more than noise.
    """

    first: str
    second: str
    accuracy: Interval
    macro_f1: Interval
    test: McNemar
    sentence: str
    significant: bool


@dataclass(frozen=True, eq=False)
class Comparison:
    """What a comparison came to.

    Attributes:
        contenders: the runs, in the order given.
        duels: every other run against the first.
        images: that all runs answered.
        notes: sentences that a person should read.
        files: what was written: ``comparison``, ``disagreements``.
    """

    contenders: tuple[Contender, ...]
    duels: tuple[Duel, ...]
    images: int
    notes: tuple[Note, ...]
    files: dict[str, Path]

    @property
    def values(self) -> dict[str, Any]:
        """What ``comparison.json`` says."""
        return _values(self.contenders, self.duels, self.notes)


def compare(
    runs: Sequence[str | Path],
    data: str | None = None,
    split: Literal["train", "val", "test"] = "test",
    *,
    device: str = "auto",
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> Comparison:
    """Compare runs on the images that all of them answered.

    The answers of a run's last evaluation are used where they are of this split; otherwise it is evaluated now.

    Args:
        runs: two or more; the others are tested against the first.
        data: another dataset; None is each run's own.
        split: the split.
        device: where to compute what is not saved yet.
        out: the folder to write to; None is ``comparison`` inside the first run.
        data_dir: where registered datasets live.
        progress: told how far an evaluation is.

    Raises:
        UsageError: fewer than two runs, or one of them twice.
        DataError: the runs have no classes or no images in common.
    """
    opened = _opened(runs)
    answers = []
    for run in opened:
        saved = saved_answers(run, split) if data is None else None
        if saved is None:
            options = Options(device=device, near_duplicates=False)
            result = evaluate(run, data, split, options=options, data_dir=data_dir, progress=progress)
            saved = read_predictions(result.files["predictions"])
        answers.append(saved)
    common, notes = _common(opened, answers)
    contenders = [_contender(run, one) for run, one in zip(opened, common, strict=True)]
    duels = [_duel(contenders[0], other, len(contenders) - 1) for other in contenders[1:]]
    notes += _leaks(contenders) if data is None else []
    folder = out or opened[0].path / "comparison"
    files = {"comparison": folder / "comparison.json", "disagreements": folder / "disagreements.csv"}
    values = json.dumps(_values(contenders, duels, notes), indent=2, ensure_ascii=False)
    write_text(files["comparison"], values + "\n")
    write_text(files["disagreements"], _disagreements(contenders))
    return Comparison(tuple(contenders), tuple(duels), len(common[0]), tuple(notes), files)


def verdict(first: str, second: str, accuracy: Interval, test: McNemar, tests: int = 1) -> tuple[str, bool]:
    """Say in words whether two models differ by more than noise.

    Args:
        first: name of the first model.
        second: name of the second.
        accuracy: second minus first with its interval.
        test: McNemar's test.
        tests: how many such tests are made together; each then has to be clearer (Bonferroni).

    Returns:
        A sentence, and whether the difference is more than noise at the 5 % level.
    """
    points, low, high = (100 * value for value in (accuracy.value, accuracy.low, accuracy.high))
    numbers = (
        f"{points:+.2f} points of accuracy ({low:+.2f} to {high:+.2f}); {test.only_second} images only {second} gets "
        f"right, {test.only_first} only {first}; McNemar p {_p_text(test.p_value)}"
    )
    level = 0.05 / tests
    if not test.only_first and not test.only_second:
        return f"{second} and {first} are right and wrong on the very same images.", False
    if test.p_value >= level:
        return f"No more than noise: {second} against {first} {numbers}.", False
    better, worse = (second, first) if points > 0 else (first, second)
    return f"{better} is better than {worse} by more than noise: {second} against {first} {numbers}.", True


def _opened(runs: Sequence[str | Path]) -> list[Run]:
    opened = [open_run(run) for run in runs]
    if len(opened) < 2:
        raise UsageError(
            f"A comparison needs two runs or more, but {len(opened)} was given: imgclf compare RUN RUN"
        )
    paths = [run.path.resolve() for run in opened]
    if twice := [run.name for run, path in zip(opened, paths, strict=True) if paths.count(path) > 1]:
        raise UsageError(f"The run {twice[0]} is given twice; a run does not differ from itself.")
    return opened


def _common(runs: Sequence[Run], answers: Sequence[Answers]) -> tuple[list[Answers], list[Note]]:
    """Bring all answers to the first run's class order and to the images that all of them answered."""
    names = answers[0].class_names
    for run, one in zip(runs, answers, strict=True):
        if set(one.class_names) != set(names):
            raise DataError(
                f"{run.name} and {runs[0].name} know different classes, so they cannot be compared. Give runs that were "
                f"trained on the same classes."
            )
    places = [
        {file: index for index, file in enumerate(one.files) if not one.errors[index]} for one in answers
    ]
    files = [file for file in places[0] if all(file in other for other in places[1:])]
    if not files:
        raise DataError(
            f"{' and '.join(run.name for run in runs)} have no images in common: they were trained on different data, "
            f"or divided it differently. Name images for all of them with --data."
        )
    notes = []
    most = max(len(one) for one in answers)
    if len(files) < most:
        notes.append(
            Note("warn", f"Only the {len(files):,} images that all runs answered are compared (of {most:,}).")
        )
    common = []
    for one, place in zip(answers, places, strict=True):
        order = np.array([one.class_names.index(name) for name in names])
        numbers = np.argsort(order)
        chosen = one.select(np.array([place[file] for file in files]))
        common.append(
            Answers(
                chosen.files, numbers[chosen.labels], chosen.probabilities[:, order], names, chosen.errors
            )
        )
    return common, notes


def _contender(run: Run, answers: Answers) -> Contender:
    header, recorded = read_header(run.model_file), run.read_metrics()
    evaluations = [one for one in recorded.get("evaluation", {}).values() if "images_per_second" in one]
    return Contender(
        run=run,
        arch=header.arch,
        scores=score(answers, header.temperature),
        megabytes=run.model_file.stat().st_size / 1e6,
        images_per_second=evaluations[-1]["images_per_second"] if evaluations else None,
        training_seconds=recorded.get("seconds"),
        answers=answers,
    )


def _duel(first: Contender, second: Contender, tests: int) -> Duel:
    labels = first.answers.labels
    accuracy, macro_f1 = metrics.paired_differences(labels, first.predictions, second.predictions)
    test = metrics.mcnemar(first.answers.correct, second.answers.correct)
    sentence, significant = verdict(first.run.name, second.run.name, accuracy, test, tests)
    return Duel(first.run.name, second.run.name, accuracy, macro_f1, test, sentence, significant)


def _leaks(contenders: Sequence[Contender]) -> list[Note]:
    notes = []
    files = set(contenders[0].answers.files)
    for one in contenders:
        if seen := len(files & files_of_split(one.run.splits, "train")):
            notes.append(
                Note(
                    "bad",
                    f"{one.run.name} was trained on {seen:,} of these images: its numbers are flattered.",
                )
            )
    return notes


def _disagreements(contenders: Sequence[Contender]) -> str:
    """The images that some runs get right and others wrong, as CSV."""
    answers = contenders[0].answers
    right = np.stack([one.answers.correct for one in contenders])
    heads = (f"{one.run.name} {what}" for one in contenders for what in ("label", "confidence", "right"))
    rows = [["file", "true_label", *heads]]
    for index in np.flatnonzero(right.any(axis=0) & ~right.all(axis=0)):
        cells = []
        for number, one in enumerate(contenders):
            sure = one.answers.probabilities[index, given := one.predictions[index]]
            cells += [answers.class_names[given], f"{sure:.4f}", "yes" if right[number, index] else "no"]
        rows.append([answers.files[index], answers.class_names[answers.labels[index]], *cells])
    return csv_text(rows)


def _values(contenders: Sequence[Contender], duels: Sequence[Duel], notes: Sequence[Note]) -> dict[str, Any]:
    rows = [
        {
            "run": one.run.name,
            "model": one.arch,
            "accuracy": asdict(one.scores.accuracy),
            "macro_f1": asdict(one.scores.macro_f1),
            "log_loss": one.scores.calibrated.log_loss,
            "expected_calibration_error": one.scores.calibrated.expected_calibration_error,
            "megabytes": round(one.megabytes, 2),
            "images_per_second": one.images_per_second,
            "training_seconds": one.training_seconds,
        }
        for one in contenders
    ]
    values = {
        "images": len(contenders[0].answers),
        "runs": rows,
        "duels": [asdict(duel) for duel in duels],
        "notes": [note.text for note in notes],
    }
    return {key: without_nan(value) for key, value in values.items()}


def _p_text(value: float) -> str:
    return "< 0.0001" if value < 0.0001 else f"= {value:.4f}" if value < 0.01 else f"= {value:.2f}"
