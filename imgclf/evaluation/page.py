"""The report of an evaluation: one page that says how good the model is, where it fails, and how far to trust that."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from markupsafe import Markup

from imgclf.evaluation.copies import Copies
from imgclf.evaluation.drawing import Rejection
from imgclf.evaluation.scores import Calibration, Scores
from imgclf.evaluation.suspects import Suspect, Suspects
from imgclf.evaluation.worst import WorstError, encode
from imgclf.figures import legend
from imgclf.inference import Note
from imgclf.metrics import Interval, most_confused
from imgclf.reports import (
    GalleryItem,
    Section,
    Tile,
    figure_html,
    figures_html,
    gallery_html,
    html_page,
    meter_html,
    sentence_html,
    table_html,
    tiles_html,
)
from imgclf.words import percent

_MOST_ROWS = 200


@dataclass(frozen=True, eq=False)
class Findings:
    """Everything that the page shows.

    Attributes:
        title: plain text.
        subtitle: plain text.
        scores: what was measured.
        notes: sentences that a person should read.
        rejection: the reject option.
        copies: near-duplicates of training images.
        copy_images: for each copy that is shown, the evaluated and the training image as PNG or JPEG, and a caption.
        errors: the worst errors.
        suspects: likely label errors, with the picture of those that are shown.
        unreadable: (file, reason).
        figures: name -> PNG.
        facts: (what, value) for the last section.
    """

    title: str
    subtitle: str
    scores: Scores
    notes: Sequence[Note]
    rejection: Rejection
    copies: Copies
    copy_images: Sequence[tuple[bytes, bytes, str, str]]
    errors: Sequence[WorstError]
    suspects: Suspects
    suspect_images: Sequence[tuple[Suspect, bytes, int]]
    unreadable: Sequence[tuple[str, str]]
    figures: Mapping[str, Path]
    facts: Sequence[tuple[str, str]]


def evaluation_page(findings: Findings) -> str:
    """Return the page as HTML."""
    sections = [
        Section("At a glance", _overview(findings)),
        Section("Classes", _classes(findings)),
        Section("Confusions", _confusions(findings)),
        Section("Worst errors", _errors(findings.errors)),
        Section("Can the confidence be trusted?", _calibration(findings)),
        Section("Answering only when sure", _rejection(findings)),
        Section("Ranking", _figures(findings, ("roc_pr", "One class against the rest."))),
        Section("Copies of training images", _copies(findings)),
        Section("Labels to review", _suspects(findings)),
        Section("Unreadable images", _unreadable(findings.unreadable)),
        Section(
            "Training",
            _figures(findings, ("curves", "Loss, accuracy and learning rate while it was trained.")),
        ),
        Section("How this was made", table_html(("what", "value"), findings.facts), open=False),
    ]
    return html_page(findings.title, findings.subtitle, [one for one in sections if one.body_html])


def between(interval: Interval) -> str:
    """Return the ends of an interval of shares: "93.7–94.6%"."""
    return f"{100 * interval.low:.1f}–{100 * interval.high:.1f}%"


def _overview(findings: Findings) -> Markup:
    scores = findings.scores
    tiles = [
        Tile("Accuracy", percent(scores.accuracy.value), f"95 % interval {between(scores.accuracy)}"),
        Tile("Macro F1", percent(scores.macro_f1.value), f"95 % interval {between(scores.macro_f1)}"),
        *(Tile(f"Top-{k} accuracy", percent(value)) for k, value in scores.top_k.items() if k > 1),
        Tile("Balanced accuracy", percent(scores.balanced_accuracy)),
        Tile("Calibration error", percent(scores.calibrated.expected_calibration_error), _ece_before(scores)),
        Tile(
            "Images", f"{scores.images:,}", f"{scores.unreadable:,} unreadable" if scores.unreadable else ""
        ),
    ]
    notes = Markup("").join(
        sentence_html(note.text, "note" if note.tone == "plain" else note.tone) for note in findings.notes
    )
    if numbers := legend([row.name for row in scores.classes]):
        notes += sentence_html(numbers, "note")
    return tiles_html(tiles) + notes


def _ece_before(scores: Scores) -> str:
    before = scores.uncalibrated
    if before is None or scores.calibrated.temperature == 1.0:
        return "not calibrated"
    return f"{percent(before.expected_calibration_error)} before temperature scaling"


def _classes(findings: Findings) -> Markup:
    columns = ("class", "images", "precision", "recall", "95 % interval", "F1", "AUROC", "AP")
    rows = [
        (
            row.name,
            row.images,
            _share(row.precision),
            meter_html(row.recall.value, _share(row.recall.value)) if row.images else "",
            f"{row.recall.low:.3f}–{row.recall.high:.3f}" if row.images else "",
            _share(row.f1),
            _share(row.auroc),
            _share(row.average_precision),
        )
        for row in findings.scores.classes
    ]
    caption = ("classes", "Recall with Wilson's 95 % interval, and precision; the lowest recall first.")
    return table_html(columns, rows) + _figures(findings, caption)


def _share(value: float) -> str:
    return "" if value != value else f"{value:.3f}"


def _confusions(findings: Findings) -> Markup:
    matrix, names = findings.scores.matrix, [row.name for row in findings.scores.classes]
    totals = matrix.sum(axis=1)
    rows = [
        (names[true], names[given], count, percent(count / totals[true]))
        for true, given, count in most_confused(matrix, 20)
    ]
    table = (
        table_html(("true class", "predicted", "images", "of the true class"), rows) if rows else Markup("")
    )
    pictures = _figures(
        findings,
        ("confusion_normalized", "Share of each true class. Right answers are blue, errors orange."),
        ("confusion", "Number of images."),
    )
    return pictures + (sentence_html("The pairs that are mixed up most:") + table if rows else table)


def _errors(errors: Sequence[WorstError]) -> Markup:
    if not errors:
        return sentence_html("No answer is wrong.", "good")
    items = []
    for one in errors:
        said = f"{one.label} {percent(one.confidence)}"
        caption = f"is {one.true_label} ({percent(one.true_confidence)})\n{one.file}"
        items.append(GalleryItem(encode(one.pixels), said, caption, one.pixels.shape[1]))
        if one.overlay is not None:
            items.append(
                GalleryItem(
                    encode(one.overlay), "what it looked at", f"for {one.label}", one.overlay.shape[1]
                )
            )
    return sentence_html("Wrong answers, the surest first.") + gallery_html(items)


def _calibration(findings: Findings) -> Markup:
    scores = findings.scores
    rows = [("after" if scores.uncalibrated else "as it is", *_calibration_row(scores.calibrated))]
    if scores.uncalibrated:
        rows.insert(0, ("before", *_calibration_row(scores.uncalibrated)))
    table = table_html(("temperature scaling", "temperature", "ECE", "Brier score", "log loss"), rows)
    return _figures(findings, ("reliability", "A calibrated model's bars reach the dotted line.")) + table


def _calibration_row(one: Calibration) -> tuple[str, str, str, str]:
    return (
        f"{one.temperature:.3f}",
        percent(one.expected_calibration_error, 2),
        f"{one.brier_score:.4f}",
        f"{one.log_loss:.4f}",
    )


def _rejection(findings: Findings) -> Markup:
    point = findings.rejection.point
    if point is None:
        text = "The model file has no threshold: every image gets an answer. Set one with --target-risk 0.01."
    else:
        text = (
            f"With the model file's threshold of {point.threshold:.3f}, {percent(point.coverage)} of these images get an "
            f"answer, and {percent(point.risk, 2)} of the answers are wrong; the others are 'unknown'."
        )
    return sentence_html(text) + _figures(
        findings, ("coverage_risk", "The error rate falls when the least sure images are declined.")
    )


def _copies(findings: Findings) -> Markup:
    copies = findings.copies
    if copies.skipped:
        return sentence_html(copies.skipped)
    if copies.accuracy is None:
        return sentence_html("No evaluated image is a near-duplicate of a training image.", "good")
    items = [
        GalleryItem(image, title, caption)
        for evaluated, trained, file, other in findings.copy_images
        for image, title, caption in ((evaluated, "evaluated", file), (trained, "trained on", other))
    ]
    return gallery_html(items)


def _suspects(findings: Findings) -> Markup:
    found = findings.suspects.found
    if not found:
        return sentence_html("No label looks wrong.")
    text = (
        f"{len(found)} labels look wrong to the model ({findings.suspects.method}); the model may be wrong instead. They "
        f"are in review.csv: fill in its column new_label, then run: imgclf review apply review.csv"
    )
    items = [
        GalleryItem(
            image,
            f"{one.label} → {one.suggested}?",
            f"{percent(one.label_confidence)} → {percent(one.suggested_confidence)}\n{one.file}",
            width,
        )
        for one, image, width in findings.suspect_images
    ]
    return sentence_html(text) + gallery_html(items)


def _unreadable(unreadable: Sequence[tuple[str, str]]) -> Markup:
    if not unreadable:
        return Markup("")
    more = f" The first {_MOST_ROWS} of them:" if len(unreadable) > _MOST_ROWS else ""
    text = f"{len(unreadable):,} images have no answer and count in no figure.{more}"
    return sentence_html(text, "warn") + table_html(("file", "reason"), unreadable[:_MOST_ROWS])


def _figures(findings: Findings, *named: tuple[str, str]) -> Markup:
    found = [
        figure_html(findings.figures[name], caption) for name, caption in named if name in findings.figures
    ]
    if not found:
        return Markup("")
    return figures_html(found) if len(found) > 1 else found[0]
