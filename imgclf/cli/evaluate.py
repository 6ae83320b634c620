"""``imgclf evaluate``: how good a run is, where it fails, and how far to trust that."""

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from imgclf.cli import render
from imgclf.cli.chosen import newest
from imgclf.cli.flags import OptionGroup
from imgclf.cli.options import (
    DATA,
    INPUT,
    MODEL,
    OUTPUT,
    DataDirOption,
    DataOption,
    DeviceOption,
    OutOption,
    RuntimeOption,
    Said,
    SplitOption,
)
from imgclf.words import percent

if TYPE_CHECKING:
    from imgclf.evaluation import EvaluationResult
    from imgclf.metrics import Interval

_SHOWN_CLASSES = 20


class Images(OptionGroup):
    """Which runs, on which images."""

    run: Annotated[
        list[str] | None,
        typer.Option(
            "--run",
            metavar="RUN",
            help="Run directory or its name inside runs/; by default the newest finished run. Given twice or more, "
            "the models' probabilities are averaged (an ensemble).",
            rich_help_panel=INPUT,
        ),
    ] = None
    data: DataOption = None
    split: SplitOption = "test"
    near_duplicates: Annotated[
        bool | None,
        typer.Option(
            "--near-duplicates/--no-near-duplicates",
            help="Look for copies of training images; by default where it takes less than a minute.",
            rich_help_panel=DATA,
        ),
    ] = None
    data_dir: DataDirOption = None


class Asked(OptionGroup):
    """How the model is asked, and what is stored in its file."""

    target_risk: Annotated[
        float | None,
        typer.Option(
            metavar="RATE",
            help="Wanted error rate among the answers, such as 0.01. Stores a confidence threshold in the model file; "
            "below it predict and serve say 'unknown'.",
            rich_help_panel=MODEL,
        ),
    ] = None
    calibrate: Annotated[
        bool,
        typer.Option(
            "--calibrate/--no-calibrate",
            help="Fit the temperature on val and store it in the model file.",
            rich_help_panel=MODEL,
        ),
    ] = True
    tta: Annotated[
        Literal["none", "flip", "five-crop"],
        typer.Option(
            help="Test-time augmentation: average several views of each image.", rich_help_panel=MODEL
        ),
    ] = "none"
    device: DeviceOption = "auto"
    runtime: RuntimeOption = "auto"


class Written(OptionGroup):
    """What is shown and written."""

    misclassified: Annotated[
        int, typer.Option(min=0, help="How many of the worst errors to show.", rich_help_panel=OUTPUT)
    ] = 24
    grad_cam: Annotated[
        bool,
        typer.Option(
            "--grad-cam/--no-grad-cam",
            help="Show beside each of the worst errors what the model looked at.",
            rich_help_panel=OUTPUT,
        ),
    ] = True
    file_format: Annotated[
        Literal["auto", "csv", "parquet"],
        typer.Option(
            "--format",
            help="Of the saved predictions; auto is CSV while it is small.",
            rich_help_panel=OUTPUT,
        ),
    ] = "auto"
    out: OutOption = None


def evaluate(images: Images, asked: Asked, written: Written, said: Said) -> None:
    """Measure a trained model on images it has not seen.

    Writes predictions, metrics, figures and a report. The split is the one that the run was trained with. Every number comes from the saved predictions. Exit code 3
    means that some images could not be read.

    Example: imgclf evaluate --run runs/2026-11-21-143000-resnet9-digits
    """
    runs = images.run or [str(newest().path)]
    result = _evaluate(runs, images, asked, written)
    if said.json:
        render.json_data(result.values)
    else:
        _show(result)
    _conclude(result)
    if result.scores.unreadable:
        raise typer.Exit(3)


def _evaluate(runs: list[str], images: Images, asked: Asked, written: Written) -> "EvaluationResult":
    from imgclf.cli.overlays import grad_cam_overlay
    from imgclf.evaluation import Options, evaluate

    options = Options(
        device=asked.device,
        runtime=asked.runtime,
        tta=asked.tta,
        target_risk=asked.target_risk,
        calibrate=asked.calibrate,
        near_duplicates=images.near_duplicates,
        misclassified=written.misclassified,
        file_format=written.file_format,
        overlay=grad_cam_overlay(runs[0], asked.device) if written.grad_cam else None,
    )
    place = {"out": written.out, "data_dir": images.data_dir}
    with render.progress() as progress:
        return evaluate(runs, images.data, images.split, options=options, **place, progress=progress)


def _show(result: "EvaluationResult") -> None:
    scores = result.scores
    rows = [
        ("accuracy", percent(scores.accuracy.value, 2, "undefined"), _ends(scores.accuracy)),
        ("macro F1", percent(scores.macro_f1.value, 2, "undefined"), _ends(scores.macro_f1)),
        *(
            (f"top-{k} accuracy", percent(value, 2, "undefined"), "")
            for k, value in scores.top_k.items()
            if k > 1
        ),
        ("balanced accuracy", percent(scores.balanced_accuracy, 2, "undefined"), ""),
        ("Cohen's kappa", _number(scores.cohen_kappa), ""),
        ("AUROC, mean", _number(scores.auroc), ""),
        ("average precision, mean", _number(scores.average_precision), ""),
        ("log loss", _number(scores.calibrated.log_loss), _before(result, "log_loss")),
        ("Brier score", _number(scores.calibrated.brier_score), _before(result, "brier_score")),
        (
            "calibration error",
            _number(scores.calibrated.expected_calibration_error),
            _before(result, "expected_calibration_error"),
        ),
    ]
    title = f"{result.dataset}, {result.split}: {scores.images:,} images"
    render.table(("measure", "value", "interval (95 %), or note"), rows, title=title)
    shown = [row for row in scores.classes if row.images]
    if len(shown) > _SHOWN_CLASSES:
        shown = sorted(shown, key=lambda row: row.f1)[:_SHOWN_CLASSES]
    classes = [
        (row.name, row.images, _number(row.precision), _number(row.recall.value), _number(row.f1))
        for row in shown
    ]
    worst = (
        f"The {_SHOWN_CLASSES} classes with the lowest F1" if len(scores.classes) > len(shown) else "Classes"
    )
    render.table(("class", "images", "precision", "recall", "F1"), classes, title=worst)
    render.detail(scores.report)


def _before(result: "EvaluationResult", name: str) -> str:
    raw = result.scores.uncalibrated
    if raw is None or result.scores.calibrated.temperature == 1.0:
        return ""
    return f"{_number(getattr(raw, name))} before temperature {result.scores.calibrated.temperature:.2f}"


def _conclude(result: "EvaluationResult") -> None:
    for note in result.notes:
        (render.warning if note.tone in ("warn", "bad") else render.message)(note.text)
    count = len(result.measured.suspects.found)
    if count:
        render.message(f"{count} labels look wrong; they are in {result.files['review']}.")
    images = result.scores.images + result.scores.unreadable
    render.message(
        f"{images:,} images in {result.seconds:.1f} s ({images / max(result.seconds, 1e-9):,.0f} img/s)"
    )
    render.files(path for name, path in result.files.items() if name != "figures")
    render.next_command(f"imgclf explain --misclassified 12 --run {result.runs[0].path}")


def _number(value: float) -> str:
    return "undefined" if value != value else f"{value:.4f}"


def _ends(interval: "Interval") -> str:
    return f"{100 * interval.low:.2f} to {100 * interval.high:.2f}%"
