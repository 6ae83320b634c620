"""The health checks: each finds images that deserve a look, worst first, and says why."""

import numpy as np

from imgclf.data import extension
from imgclf.eda.checks.findings import Check, Finding
from imgclf.eda.checks.lookalikes import (
    MAX_DISTANCE,
    MIN_NEAR_SIDE,
    Group,
    Links,
    all_groups,
    exact_groups,
    near_groups,
    near_judged,
    near_links,
)
from imgclf.eda.checks.quality import quality_checks
from imgclf.eda.measuring.survey import Survey

# Below this, look-alikes may be two things of two classes (a shirt and a pullover), above it they are one image.
_SAME_IMAGE = 0.9

_EXTENSIONS = {
    "JPEG": {"jpg", "jpeg", "jpe", "jfif"},
    "PNG": {"png", "apng"},
    "WEBP": {"webp"},
    "BMP": {"bmp", "dib"},
    "TIFF": {"tif", "tiff"},
    "GIF": {"gif"},
}


def run_checks(survey: Survey, max_distance: int = MAX_DISTANCE) -> tuple[Check, ...]:
    """Put every question to the dataset, in the order of ``CHECK_NAMES``."""
    exact, links = exact_groups(survey), near_links(survey, max_distance)
    return (
        _unreadable(survey),
        _wrong_extension(survey),
        *_group_checks(survey, exact, links),
        *quality_checks(survey),
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


def _group_checks(survey: Survey, exact: list[Group], links: Links) -> list[Check]:
    near = near_groups(links, exact)
    leaks = [
        group for group in all_groups(exact, near) if len({survey.splits[row] for row in group.rows}) > 1
    ]
    same = all_groups(exact, near_groups(links, exact, _SAME_IMAGE))
    conflicts = [group for group in same if len({int(survey.labels[row]) for row in group.rows}) > 1]
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
            "Equal or nearly equal images have different labels, so at least one label is likely wrong.",
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
