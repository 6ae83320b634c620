"""Write what an evaluation came to: predictions, figures, metrics, review and report."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from imgclf.atomic import write_text
from imgclf.data import Examples
from imgclf.errors import ImageError
from imgclf.evaluation.drawing import draw
from imgclf.evaluation.members import Member
from imgclf.evaluation.page import Findings, evaluation_page
from imgclf.evaluation.result import Measured
from imgclf.evaluation.scores import as_plain, without_nan
from imgclf.evaluation.suspects import Suspect, write_review
from imgclf.evaluation.worst import encode, thumbnail
from imgclf.inference import Images, Note
from imgclf.runs import MISCLASSIFIED, Answers, ToKeep, keep_images, read_predictions, write_predictions

# A CSV with more probabilities than this takes longer to write than many models take to answer.
_MOST_CSV_CELLS = 2_000_000
_SHOWN = 24  # pictures in a gallery of the page
_SMALL = 128


@dataclass(frozen=True, eq=False)
class Report:
    """What there is to write.

    Attributes:
        members: the models.
        images: what was evaluated.
        answers: as saved.
        measured: what they say.
        notes: sentences that a person should read.
        seconds: that reading and computing took.
        predictions: the file of the answers.
    """

    members: tuple[Member, ...]
    images: Images
    answers: Answers
    measured: Measured
    notes: tuple[Note, ...]
    seconds: float
    predictions: Path


def save_answers(
    folder: Path, answers: Answers, file_format: Literal["auto", "csv", "parquet"]
) -> tuple[Path, Answers]:
    """Write the answers and read them back, so that all that follows derives from the file.

    An older file of the other format is removed: the folder says one thing only.
    """
    cells = answers.probabilities.size
    ending = ("csv" if cells <= _MOST_CSV_CELLS else "parquet") if file_format == "auto" else file_format
    path = folder / f"predictions.{ending}"
    write_predictions(path, answers)
    (folder / f"predictions.{'parquet' if ending == 'csv' else 'csv'}").unlink(missing_ok=True)
    return path, read_predictions(path)


def write_results(folder: Path, report: Report) -> tuple[dict[str, Any], dict[str, Path]]:
    """Write everything but the answers.

    Returns:
        What ``metrics.json`` says, and the files by what they are.
    """
    measured = report.measured
    figures = draw(folder / "figures", report.answers, measured.scores, measured.rejection, measured.errors)
    curves = report.members[0].run.figures / "curves.png"
    if curves.is_file() and report.images.own:
        figures["curves"] = curves
    values = _values(report)
    files = {
        "predictions": report.predictions,
        "metrics": _write_metrics(folder, report, values),
        "review": folder / "review.csv",
        "figures": folder / "figures",
        "report": folder / "report.html",
        "text": folder / "classification_report.txt",
    }
    _keep_errors(folder / MISCLASSIFIED, report)
    write_text(files["text"], measured.scores.report)
    write_review(files["review"], measured.suspects.found)
    write_text(files["report"], evaluation_page(_findings(report, figures)))
    return values, files


def _keep_errors(folder: Path, report: Report) -> None:
    """Keep the images of the worst errors, so that they can be shown where the dataset is not."""
    errors, images = report.measured.errors, report.images.examples.images
    kept = (ToKeep(images[one.index], one.file, one.true_label, one.label, one.confidence) for one in errors)
    keep_images(folder, kept, len(errors))


def _write_metrics(folder: Path, report: Report, values: dict[str, Any]) -> Path:
    """Lay the values into the run's ``metrics.json`` under ``evaluation`` and the split's name, or write a new one."""
    run, path = report.members[0].run, folder / "metrics.json"
    if folder == run.path:
        earlier = run.read_metrics().get("evaluation", {})
        run.update_metrics({"evaluation": {**earlier, report.images.split: values}})
    else:
        everything = {"evaluation": {report.images.split: values}}
        write_text(path, json.dumps(everything, indent=2, ensure_ascii=False) + "\n")
    return path


def _values(report: Report) -> dict[str, Any]:
    measured, images = report.measured, report.images
    point, copies = measured.rejection.point, measured.copies
    values = {
        "dataset": images.dataset,
        "split": images.split,
        "runs": [member.run.name for member in report.members],
        **as_plain(measured.scores),
        "threshold": None if point is None else asdict(point),
        "area_under_risk_coverage": measured.rejection.curve.area(),
        "near_duplicates": _copy_values(report) if not copies.skipped else None,
        "likely_label_errors": len(measured.suspects.found),
        "seconds": round(report.seconds, 3),
        "images_per_second": round(len(report.answers) / max(report.seconds, 1e-9), 1),
        "predictions": report.predictions.name,
        "notes": [note.text for note in report.notes],
    }
    return {key: without_nan(value) for key, value in values.items()}


def _copy_values(report: Report) -> dict[str, Any]:
    copies, train = report.measured.copies, report.images.train
    pairs = [
        {
            "file": report.answers.files[copy.image],
            "training_file": train.files[copy.training_image] if train is not None else "",
            "distance": copy.distance,
        }
        for copy in copies.found
    ]
    without = None if copies.accuracy is None else asdict(copies.accuracy)
    return {
        "images": len(pairs),
        "with_other_label": copies.other_label,
        "accuracy_without": without,
        "pairs": pairs,
    }


def _findings(report: Report, figures: Mapping[str, Path]) -> Findings:
    measured, images = report.measured, report.images
    names = " + ".join(member.run.name for member in report.members)
    archs = ", ".join(dict.fromkeys(member.predictor.header.arch for member in report.members))
    errors = zip(report.answers.files, report.answers.errors, strict=True)
    return Findings(
        title=f"Evaluation of {names}",
        subtitle=f"{archs} on {images.dataset} · {images.split} split · {len(report.answers):,} images",
        scores=measured.scores,
        notes=report.notes,
        rejection=measured.rejection,
        copies=measured.copies,
        copy_images=_copy_images(report),
        errors=measured.errors,
        suspects=measured.suspects,
        suspect_images=_suspect_images(measured.suspects.found, images.examples),
        unreadable=[(file, error) for file, error in errors if error],
        figures=figures,
        facts=_facts(report),
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    header = report.members[0].predictor.header
    height, width = header.preprocessing.image_size
    rate = len(report.answers) / max(report.seconds, 1e-9)
    return [
        *(("run", str(member.run.path)) for member in report.members),
        ("model", header.arch),
        ("input", f"{height} × {width}, {header.preprocessing.resize_mode}"),
        ("dataset", report.images.dataset),
        ("split", report.images.split),
        ("classes", str(len(report.answers.class_names))),
        (
            "time",
            f"{report.seconds:.1f} s, {rate:,.0f} images a second on {report.members[0].predictor.device}",
        ),
        ("saved answers", str(report.predictions)),
        (
            "intervals",
            "95 %: bootstrap of 1,000 resamples for accuracy and macro F1, Wilson's for each class",
        ),
        ("calibration error", "15 equally wide bins of the highest probability"),
    ]


def _copy_images(report: Report) -> list[tuple[bytes, bytes, str, str]]:
    """Return pictures and captions of the first copies: evaluated image, training image, and what each is called."""
    train, examples, names = report.images.train, report.images.examples, report.answers.class_names
    shown: list[tuple[bytes, bytes, str, str]] = []
    if train is None:
        return shown
    # A copy under another label first: one of the two labels is wrong.
    found = sorted(
        report.measured.copies.found,
        key=lambda copy: (examples.labels[copy.image] == train.labels[copy.training_image], copy.distance),
    )
    for copy in found[:_SHOWN]:
        try:
            pictures = [
                encode(thumbnail(source, _SMALL))
                for source in (examples.images[copy.image], train.images[copy.training_image])
            ]
        except ImageError:
            continue
        captions = [
            f"{names[part.labels[index]]}\n{part.files[index]}"
            for part, index in ((examples, copy.image), (train, copy.training_image))
        ]
        shown.append((pictures[0], pictures[1], captions[0], captions[1]))
    return shown


def _suspect_images(suspects: tuple[Suspect, ...], examples: Examples) -> list[tuple[Suspect, bytes, int]]:
    places = {file: index for index, file in enumerate(examples.files)}
    shown = []
    for one in suspects[:_SHOWN]:
        try:
            pixels = thumbnail(examples.images[places[one.file]], _SMALL)
        except (ImageError, KeyError):
            continue
        shown.append((one, encode(pixels), pixels.shape[1]))
    return shown
