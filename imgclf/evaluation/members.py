"""The models of an evaluation: one, or several whose probabilities are averaged."""

import csv
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from imgclf.data import Examples
from imgclf.errors import RunError
from imgclf.evaluation.answering import VIEWS, Answered, Tta, answer
from imgclf.inference import Note, Predictor, Runtime
from imgclf.records import OnProgress
from imgclf.runs import Run, open_run

_PROBE = 64  # images that are timed without augmentation, to say what it costs


@dataclass(frozen=True, eq=False)
class Member:
    """A run with its opened model."""

    run: Run
    predictor: Predictor


def open_members(runs: Sequence[str | Path | Run], device: str, runtime: Runtime = "auto") -> list[Member]:
    """Open the runs' models.

    Raises:
        RunError: there is no such run or model, or the models know different classes.
    """
    opened = [run if isinstance(run, Run) else open_run(run) for run in runs]
    members = [Member(run, Predictor.open(run.path, device=device, runtime=runtime)) for run in opened]
    first = members[0]
    for other in members[1:]:
        if set(other.predictor.class_names) != set(first.predictor.class_names):
            raise RunError(
                f"{other.run.name} and {first.run.name} know different classes, so their answers cannot be averaged. "
                f"Give runs that were trained on the same classes."
            )
    return members


def answer_together(
    members: Sequence[Member],
    examples: Examples,
    tta: Tta,
    temperature: float | None,
    progress: OnProgress = None,
) -> Answered:
    """Return the mean of the members' probabilities, each calibrated by its own model file.

    Args:
        members: at least one; their classes may be in different order.
        examples: labels index the first member's classes.
        tta: test-time augmentation.
        temperature: of a single member; None takes each model file's own.
        progress: told how many images are done.
    """
    names = members[0].predictor.class_names
    parts = []
    for member in members:
        phase = "Evaluating" if len(members) == 1 else f"Evaluating {member.run.name}"
        numbers = np.array([member.predictor.class_names.index(name) for name in names])
        one = answer(
            member.predictor,
            replace(examples, labels=numbers[examples.labels]),
            temperature=temperature,
            tta=tta,
            phase=phase,
            progress=progress,
        )
        ordered = replace(
            one.answers,
            labels=examples.labels,
            probabilities=one.answers.probabilities[:, numbers],
            class_names=tuple(names),
        )
        parts.append(replace(one, answers=ordered))
    if len(parts) == 1:
        return parts[0]
    errors = tuple(
        next((error for error in reasons if error), "")
        for reasons in zip(*(part.answers.errors for part in parts), strict=True)
    )
    mean = np.mean([part.answers.probabilities for part in parts], axis=0)
    answers = replace(parts[0].answers, probabilities=mean, errors=errors)
    return Answered(answers, sum(part.seconds for part in parts), 1.0)


def cost_notes(members: Sequence[Member], examples: Examples, tta: Tta, answered: Answered) -> list[Note]:
    """Say what an ensemble or test-time augmentation costs in time; nothing for one plain model."""
    if (tta == "none" and len(members) == 1) or not len(examples):
        return []
    few = examples.select(np.linspace(0, len(examples) - 1, min(_PROBE, len(examples))).astype(np.int64))
    start = time.perf_counter()
    answer(members[0].predictor, few)
    plain = (time.perf_counter() - start) / len(few)
    each = answered.seconds / len(examples)
    what = f"{len(members)} models" if len(members) > 1 else "one model"
    views = f", {VIEWS[tta]} views an image (--tta {tta})" if tta != "none" else ""
    return [
        Note(
            "plain",
            f"The probabilities are the mean over {what}{views}: {1000 * each:.1f} ms an image, "
            f"{each / max(plain, 1e-9):.1f} times the {1000 * plain:.1f} ms of {members[0].run.name} alone.",
        )
    ]


def leak_notes(members: Sequence[Member], examples: Examples) -> list[Note]:
    """Warn where another member of the ensemble was trained on images that are evaluated."""
    notes = []
    evaluated = set(examples.files)
    for member in members[1:]:
        if not member.run.splits.is_file():
            continue
        with member.run.splits.open(newline="", encoding="utf-8") as file:
            trained = {row["file"] for row in csv.DictReader(file) if row.get("split") == "train"}
        if seen := len(evaluated & trained):
            notes.append(
                Note(
                    "bad",
                    f"{member.run.name} was trained on {seen:,} of the evaluated images: its part flatters the result.",
                )
            )
    return notes
