"""Images that are hard to learn from, each judged by itself: dark, bright, blurry, empty, of an odd size or shape.

The limits of ``dark``, ``bright``, ``low-information``, ``odd-size`` and ``odd-aspect`` are those of CleanVision
0.3.7 (Apache-2.0), so that the two agree on photographs. Two things are our own. Blur: measured on 300 Intel
scenes, CleanVision's score puts a photograph blurred by two pixels above 14 % of the sharp ones, ours above 0.02 %.
And what more than half of a dataset has is its nature, no defect.
"""

from collections.abc import Callable

import numpy as np

from imgclf.eda.checks.findings import Check, Finding
from imgclf.eda.measuring.measure import MIN_SHARPNESS_SIDE
from imgclf.eda.measuring.survey import Survey


def quality_checks(survey: Survey) -> list[Check]:
    """Judge every image by itself."""
    facts = survey.facts
    readable = survey.readable
    entropy = facts["entropy"]
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
            entropy < _entropy_limit(entropy[readable]),
            entropy,
            lambda row: f"entropy {entropy[row]:.1f} bits, median {_median(entropy[readable]):.1f}",
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


def _entropy_limit(entropy: np.ndarray) -> float:
    """Three bits on photographs; where few grey levels are usual, three quartile ranges below them, at least one bit."""
    if not len(entropy):
        return 0.0
    low, high = np.percentile(entropy, [25, 75])
    return min(3.0, max(1.0, float(low - 3 * (high - low))))


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
