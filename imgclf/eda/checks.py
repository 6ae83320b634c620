"""The health checks: each finds images that deserve a look, worst first, and says why.

The limits of ``dark``, ``bright``, ``low-information``, ``odd-size`` and ``odd-aspect`` are those of CleanVision
0.3.7 (Apache-2.0), so that the two agree on photographs. Our own are: blur (CleanVision's score rates a photograph
blurred by two pixels sharper than one in seven sharp ones; ours one in five thousand), near-duplicates (see
:mod:`imgclf.eda.lookalikes`), and that what half of a dataset has is its nature and no defect.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from imgclf.data.names import extension
from imgclf.eda.lookalikes import (
    MAX_DISTANCE,
    MIN_NEAR_SIDE,
    Group,
    all_groups,
    exact_groups,
    near_groups,
    near_judged,
)
from imgclf.eda.measure import MIN_SHARPNESS_SIDE
from imgclf.eda.survey import Survey
from imgclf.records import UnreadableImage

_EXTENSIONS = {
    "JPEG": {"jpg", "jpeg", "jpe", "jfif"},
    "PNG": {"png", "apng"},
    "WEBP": {"webp"},
    "BMP": {"bmp", "dib"},
    "TIFF": {"tif", "tiff"},
    "GIF": {"gif"},
}


@dataclass(frozen=True)
class Finding:
    """An image, or a group of images, that deserves a look.

    Attributes:
        rows: rows of the survey.
        detail: what was found, in a few words ("1 % of the pixels are brighter than 0.05").
    """

    rows: tuple[int, ...]
    detail: str


@dataclass(frozen=True)
class Check:
    """One question put to the dataset and what was found.

    Attributes:
        name: what ``--fail-on`` and ``files.csv`` call it.
        title: a heading.
        meaning: one sentence: what it is and why it matters.
        findings: worst first.
        skipped: why there is no answer, else an empty string.
        not_images: what has an image's name but can hold none; only of ``unreadable``.
    """

    name: str
    title: str
    meaning: str
    findings: tuple[Finding, ...] = ()
    skipped: str = ""
    not_images: tuple[UnreadableImage, ...] = ()

    @property
    def count(self) -> int:
        """How many images are concerned."""
        return len({row for finding in self.findings for row in finding.rows}) + len(self.not_images)


CHECK_NAMES = (
    "unreadable",
    "wrong-extension",
    "leaks",
    "label-conflicts",
    "duplicates",
    "near-duplicates",
    "dark",
    "bright",
    "blurry",
    "low-information",
    "odd-size",
    "odd-aspect",
)


def run_checks(survey: Survey, max_distance: int = MAX_DISTANCE) -> tuple[Check, ...]:
    """Put every question to the dataset, in the order of ``CHECK_NAMES``."""
    exact, near = exact_groups(survey), near_groups(survey, max_distance)
    return (
        _unreadable(survey),
        _wrong_extension(survey),
        *_group_checks(survey, exact, near),
        *_quality(survey),
    )


def _unreadable(survey: Survey) -> Check:
    findings = tuple(Finding((row,), reason) for row, (_, reason) in sorted(survey.errors.items()))
    return Check(
        "unreadable",
        "Unreadable",
        "Files that cannot be decoded; training leaves them out and says so.",
        findings,
        not_images=survey.dataset.unreadable,
    )


def _wrong_extension(survey: Survey) -> Check:
    findings = []
    for row in np.flatnonzero(survey.facts["format"] != "").tolist():
        found, ending = str(survey.facts["format"][row]), extension(survey.files[row])
        if (
            ending
            and ending not in _EXTENSIONS[found]
            and any(ending in names for names in _EXTENSIONS.values())
        ):
            findings.append(Finding((row,), f"holds {found}, is named .{ending}"))
    meaning = "The content is another format than the name says; imgclf reads it, other programs may not."
    return Check("wrong-extension", "Extension differs from content", meaning, tuple(findings))


def _group_checks(survey: Survey, exact: list[Group], near: list[Group]) -> list[Check]:
    groups = all_groups(exact, near)
    leaks = [group for group in groups if len({survey.splits[row] for row in group.rows}) > 1]
    conflicts = [group for group in groups if len({int(survey.labels[row]) for row in group.rows}) > 1]
    return [
        Check(
            "leaks",
            "Leaks between splits",
            "The same image, or nearly, is in two splits: the figures measured there flatter the model.",
            _findings(leaks),
        ),
        Check(
            "label-conflicts",
            "Same image, two labels",
            "Equal or nearly equal images have different labels; at least one label is wrong.",
            _findings(conflicts),
        ),
        Check("duplicates", "Exact duplicates", "Images with the very same pixels.", _findings(exact)),
        Check(
            "near-duplicates",
            "Near-duplicates",
            "Images that differ in little: re-encoded, resized, slightly changed, or the same thing twice.",
            _findings(near),
            skipped=_too_small(survey),
        ),
    ]


def _too_small(survey: Survey) -> str:
    if not survey.readable.any() or near_judged(survey).any():
        return ""
    return f"Not judged: a perceptual hash says little of images with a side below {MIN_NEAR_SIDE} pixels."


def _findings(groups: list[Group]) -> tuple[Finding, ...]:
    return tuple(Finding(group.rows, _likeness(group)) for group in groups)


def _likeness(group: Group) -> str:
    if group.exact:
        return "equal pixels"
    hashes = f"hashes differ in up to {group.distance} of 64 bits" if group.distance else "equal hashes"
    return f"{hashes}, {group.similarity:.0%} alike"


def _quality(survey: Survey) -> list[Check]:
    facts = survey.facts
    readable = survey.readable
    entropy_limit = min(3.0, _median(facts["entropy"][readable]) / 2)
    bright, dark = facts["brightness_p5"], facts["brightness_p99"]
    shape = np.minimum(facts["width"], facts["height"]) / np.maximum(
        np.maximum(facts["width"], facts["height"]), 1
    )
    return [
        _ranked(
            survey,
            ("dark", "Too dark", "Even the brightest pixels are dark."),
            dark < 0.32,
            dark,
            lambda row: f"99 % of the pixels are below {dark[row]:.2f} of white",
        ),
        _ranked(
            survey,
            ("bright", "Too bright", "Nearly everything is white."),
            bright > 0.95,
            -bright,
            lambda row: f"95 % of the pixels are above {bright[row]:.2f} of white",
        ),
        _blurry(survey),
        _ranked(
            survey,
            (
                "low-information",
                "Little information",
                "So few grey levels that there is hardly anything to see.",
            ),
            facts["entropy"] < entropy_limit,
            facts["entropy"],
            lambda row: (
                f"entropy {facts['entropy'][row]:.1f} bits, median {_median(facts['entropy'][readable]):.1f}"
            ),
        ),
        _odd_size(survey),
        _ranked(
            survey,
            ("odd-aspect", "Odd aspect ratio", "Much longer than wide: a square crop keeps little of it."),
            shape < 0.35,
            shape,
            lambda row: f"{facts['width'][row]} × {facts['height'][row]} pixels",
        ),
    ]


def _blurry(survey: Survey) -> Check:
    words = ("blurry", "Blurry", "No fine detail at the scale that a network sees.")
    sharpness = survey.facts["sharpness"]
    judged = survey.readable & ~np.isnan(sharpness)
    if survey.readable.any() and not judged.any():
        return Check(*words, skipped=f"Not judged: every image has a side below {MIN_SHARPNESS_SIDE} pixels.")
    found = judged & (sharpness < 0.03) & (survey.facts["entropy"] >= 1)
    return _ranked(survey, words, found, sharpness, lambda row: f"sharpness {sharpness[row]:.3f}, below 0.03")


def _odd_size(survey: Survey) -> Check:
    """Where nearly all images share one size, any other is odd; else what lies three quartile ranges outside."""
    facts, readable = survey.facts, survey.readable
    words = ("odd-size", "Odd size", "Much larger or smaller than the others.")
    if not readable.any():
        return Check(*words)
    sizes, counts = np.unique(facts[["width", "height"]][readable], return_counts=True)
    usual = sizes[counts.argmax()]
    side = np.sqrt(facts["width"].astype(np.float64) * facts["height"])
    if counts.max() >= 0.95 * readable.sum():
        found = (facts["width"] != usual["width"]) | (facts["height"] != usual["height"])
    else:
        low, high = np.percentile(side[readable], [25, 75])
        found = (side < low - 3 * (high - low)) | (side > high + 3 * (high - low))
    middle = _median(side[readable])
    strangeness = -np.abs(np.log(np.maximum(side, 1) / middle))
    return _ranked(
        survey,
        words,
        found,
        strangeness,
        lambda row: f"{facts['width'][row]} × {facts['height'][row]} pixels",
    )


def _ranked(
    survey: Survey,
    words: tuple[str, str, str],
    found: np.ndarray,
    order: np.ndarray,
    detail: Callable[[int], str],
) -> Check:
    """Return a check of single images, the lowest ``order`` first; what half of the dataset has is its nature."""
    readable = survey.readable
    rows = np.flatnonzero(found & readable)
    if len(rows) * 2 > readable.sum():
        share = len(rows) / readable.sum()
        return Check(
            *words, skipped=f"True of {share:.0%} of the images, so it is the nature of this dataset."
        )
    rows = rows[np.argsort(order[rows], kind="stable")]
    return Check(*words, findings=tuple(Finding((int(row),), detail(int(row))) for row in rows))


def _median(values: np.ndarray) -> float:
    return float(np.median(values)) if len(values) else 0.0
