"""Evaluate a run: answers once, saved; every number, picture and sentence from those."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

from imgclf import metrics
from imgclf.errors import UsageError
from imgclf.evaluation.answering import Answered, answer
from imgclf.evaluation.calibrating import Fitted, fit
from imgclf.evaluation.copies import BUDGET_SECONDS, Copies, find_copies
from imgclf.evaluation.drawing import Rejection
from imgclf.evaluation.members import Member, answer_together, cost_notes, leak_notes, open_members
from imgclf.evaluation.result import EvaluationResult, Measured, Options
from imgclf.evaluation.scores import score
from imgclf.evaluation.sentences import copy_notes, score_notes, unreadable_notes
from imgclf.evaluation.suspects import Suspects, find_suspects
from imgclf.evaluation.worst import worst_errors
from imgclf.evaluation.writing import Report, save_answers, write_results
from imgclf.folders import safe_name
from imgclf.inference import Images, Note, choose_images
from imgclf.records import ModelHeader, OnProgress
from imgclf.runs import Answers, Run, update_header
from imgclf.task import SINGLE_LABEL


def evaluate(
    run: str | Path | Run | Sequence[str | Path | Run],
    data: str | None = None,
    split: Literal["train", "val", "test"] = "test",
    *,
    options: Options | None = None,
    out: Path | None = None,
    data_dir: Path | None = None,
    progress: OnProgress = None,
) -> EvaluationResult:
    """Measure a run on a split; write predictions, metrics, figures, a report and the labels to review.

    Args:
        run: a run; several are an ensemble, whose probabilities are averaged.
        data: another dataset, matched by class name; None is the run's own, divided as the run divided it.
        split: ``test`` falls back to ``val`` where there is none, and a note says so.
        options: how to evaluate.
        out: the folder to write to; None is the run itself, or a folder inside it for another dataset, for an
            ensemble and for test-time augmentation.
        data_dir: where registered datasets live.
        progress: told how far it is.

    Raises:
        ImgclfError: of the kind that fits; see ``imgclf.errors``.
    """
    options = options or Options()
    members = open_members(
        [run] if isinstance(run, str | Path | Run) else list(run), options.device, options.runtime
    )
    main, header = members[0].run, members[0].predictor.header
    images = choose_images(main, header, data, split, data_dir=data_dir, progress=progress)
    # Only the answers of one model to one view of each image have a temperature.
    plain = len(members) == 1 and options.tta == "none"
    fitted, val = _fitted(members[0], images, options, plain, progress)
    header = _stored(main, header, fitted, options.target_risk)
    temperature = header.temperature if plain else None
    if val is not None and images.split == "val":
        answered = _at_temperature(val, header.temperature)
    else:
        answered = answer_together(members, images.examples, options.tta, temperature, progress)
    folder = out or _default_folder(members, images, options)
    predictions, answers = save_answers(folder, answered.answers, options.file_format)
    measured = _measured(answers, temperature, images, header, options, progress)
    notes = _notes(members, images, measured, fitted, options, answered)
    report = Report(tuple(members), images, answers, measured, notes, answered.seconds, predictions)
    values, files = write_results(folder, report)
    return EvaluationResult(
        runs=tuple(member.run for member in members),
        dataset=images.dataset,
        split=images.split,
        measured=measured,
        notes=notes,
        files=files,
        seconds=answered.seconds,
        values=values,
    )


def _notes(
    members: list[Member],
    images: Images,
    measured: Measured,
    fitted: Fitted | None,
    options: Options,
    answered: Answered,
) -> tuple[Note, ...]:
    """What a reader of the figures should know, from the images to the cost."""
    return (
        *images.notes,
        *leak_notes(members, images.examples),
        *score_notes(measured.scores, f"The {images.split} split" if images.own else f"'{images.dataset}'"),
        *copy_notes(measured.copies, measured.scores),
        *unreadable_notes(measured.scores.unreadable, images.unreadable),
        *(fitted.notes if fitted is not None else ()),
        *cost_notes(members, images.examples, options.tta, answered),
    )


def _fitted(
    member: Member, images: Images, options: Options, plain: bool, progress: OnProgress
) -> tuple[Fitted | None, Answered | None]:
    """Fit temperature and threshold on the run's own `val`; return that and the answers at temperature 1."""
    possible = plain and images.own and images.val is not None
    if options.target_risk is not None and not possible:
        raise UsageError(
            "--target-risk chooses the threshold on the `val` images of one run's own dataset: leave out --data, --tta "
            "and all but one --run."
        )
    if not possible or images.val is None or not (options.calibrate or options.target_risk is not None):
        return None, None
    val = answer(member.predictor, images.val, temperature=1.0, phase="Calibrating on val", progress=progress)
    fixed = None if options.calibrate else member.predictor.header.temperature
    return fit(val.answers, options.target_risk, fixed), val


def _stored(run: Run, header: ModelHeader, fitted: Fitted | None, target_risk: float | None) -> ModelHeader:
    """Put what was fitted into the model file, if that changes it; return the header as it is then."""
    if fitted is None:
        return header
    new = replace(header, temperature=fitted.temperature)
    if fitted.on_val is not None:
        chosen = {"target_risk": target_risk, "coverage": fitted.on_val.coverage, "risk": fitted.on_val.risk}
        new = replace(
            new, threshold=fitted.threshold, provenance={**header.provenance, "threshold_on_val": chosen}
        )
    if new != header:
        update_header(run.model_file, new)
    return new


def _at_temperature(val: Answered, temperature: float) -> Answered:
    """Return the answers to `val` at another temperature than 1: they need not be computed twice."""
    good = val.answers.answered
    probabilities = val.answers.probabilities.copy()
    probabilities[good] = SINGLE_LABEL.at_temperature(probabilities[good], 1.0, temperature)
    return replace(val, answers=replace(val.answers, probabilities=probabilities), temperature=temperature)


def _default_folder(members: Sequence[Member], images: Images, options: Options) -> Path:
    """Return the run's own folder for its own images, else a folder inside it that says what is different."""
    parts = ["evaluation"]
    if not images.own:
        parts.append(safe_name(images.dataset))
    if len(members) > 1:
        parts.append(f"ensemble-of-{len(members)}")
    if options.tta != "none":
        parts.append(options.tta)
    return members[0].run.path if len(parts) == 1 else members[0].run.path / "-".join(parts)


def _measured(
    answers: Answers,
    temperature: float | None,
    images: Images,
    header: ModelHeader,
    options: Options,
    progress: OnProgress,
) -> Measured:
    """Measure everything that the saved answers say."""
    in_training = images.own and images.split == "train"
    return Measured(
        scores=score(answers, temperature),
        copies=_copies(answers, images, options, progress),
        rejection=_rejection(answers, header.threshold, options.target_risk),
        errors=tuple(worst_errors(answers, images.examples, options.misclassified, options.overlay)),
        # A model has learnt the labels of its training images by heart, the wrong ones too.
        suspects=Suspects((), "none") if in_training else find_suspects(answers, images.split),
    )


def _copies(answers: Answers, images: Images, options: Options, progress: OnProgress) -> Copies:
    if options.near_duplicates is False or not images.own or images.split == "train":
        return Copies(skipped="Copies of training images were not looked for.", wanted=False)
    budget = None if options.near_duplicates else BUDGET_SECONDS
    return find_copies(answers, images.examples, images.train, budget_seconds=budget, progress=progress)


def _rejection(answers: Answers, threshold: float | None, target_risk: float | None) -> Rejection:
    good = answers.select(answers.answered)
    point = None if threshold is None else metrics.operating_point(good.confidence, good.correct, threshold)
    return Rejection(metrics.coverage_risk(good.confidence, good.correct), point, target_risk)
