"""The plain sentences of an evaluation: what its numbers can and cannot say."""

from imgclf.evaluation.copies import Copies
from imgclf.evaluation.scores import Scores
from imgclf.inference import Note
from imgclf.records import UnreadableImage
from imgclf.words import percent

_WIDE = 0.02


def score_notes(scores: Scores, images: str) -> list[Note]:
    """Say how far the number of images lets the scores be trusted, and which classes are missing.

    Args:
        scores: what was measured.
        images: what the images are called, to begin a sentence: "The test split".
    """
    if not scores.images:
        return [Note("bad", "No image has an answer: nothing can be measured.")]
    notes = []
    half = (scores.accuracy.high - scores.accuracy.low) / 2
    if half > _WIDE:
        notes.append(
            Note(
                "warn",
                f"{images} is small ({scores.images:,} images): the accuracy is known to about "
                f"±{100 * half:.1f} points only, and models that differ by less cannot be told apart here.",
            )
        )
    if scores.accuracy.value in (0.0, 1.0):
        what = "right" if scores.accuracy.value else "wrong"
        notes.append(
            Note("plain", f"All answers are {what}; the intervals are Wilson's, from the number of images.")
        )
    absent = [f"'{row.name}'" for row in scores.classes if not row.images]
    if absent:
        more = f" and {len(absent) - 5} more" if len(absent) > 5 else ""
        notes.append(
            Note(
                "plain",
                f"No image of {', '.join(absent[:5])}{more} is among them; nothing is known of them.",
            )
        )
    return notes


def copy_notes(copies: Copies, scores: Scores) -> list[Note]:
    """Say what near-duplicates of training images do to the accuracy; nothing where there are none."""
    if copies.skipped:
        return [Note("plain", copies.skipped)] if copies.wanted else []
    if copies.accuracy is None:
        return []
    count = len(copies.found)
    which = (
        "1 evaluated image is a near-duplicate of a training image"
        if count == 1
        else (f"{count:,} evaluated images are near-duplicates of training images")
    )
    other = f" ({copies.other_label} under another label)" if copies.other_label else ""
    return [
        Note(
            "warn",
            f"{which}{other}. Without {'it' if count == 1 else 'them'} the accuracy is {percent(copies.accuracy.value, 2)} "
            f"({percent(copies.accuracy.low, 2)} to {percent(copies.accuracy.high, 2)}), with "
            f"{'it' if count == 1 else 'them'} {percent(scores.accuracy.value, 2)}.",
        )
    ]


def unreadable_notes(answers_without: int, dataset_unreadable: tuple[UnreadableImage, ...]) -> list[Note]:
    """Say how many images could not be read."""
    notes = []
    if answers_without:
        notes.append(
            Note(
                "warn",
                f"{answers_without:,} images have no answer; they count in no figure, and their rows say why.",
            )
        )
    if dataset_unreadable:
        first = dataset_unreadable[0]
        notes.append(
            Note(
                "plain",
                f"{len(dataset_unreadable):,} files of the dataset hold no image that can be read and are in no split, "
                f"for example {first.file}: {first.reason}.",
            )
        )
    return notes
