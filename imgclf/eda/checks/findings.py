"""What a health check is and what it found."""

from dataclasses import dataclass

from imgclf.records import UnreadableImage


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
