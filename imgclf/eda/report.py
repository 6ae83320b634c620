"""The record that ``eda`` returns and ``summary.json`` holds."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from imgclf.eda.checks.findings import CHECK_NAMES, Check
from imgclf.eda.facts.counts import Counts
from imgclf.eda.facts.crop import CropFacts
from imgclf.eda.facts.pixels import PixelFacts
from imgclf.eda.measuring.survey import Survey
from imgclf.errors import UsageError, suggest


@dataclass(frozen=True, eq=False)
class EdaReport:
    """What a look at a dataset found.

    Attributes:
        folder: where everything was written.
        survey: every image with its measures.
        counts: images per split and class, with the verdict on balance.
        pixels: sizes, formats, mean and standard deviation; None where no image is readable.
        crop: what the evaluation crop cuts off; None where no image is readable.
        checks: the health checks, in a fixed order.
        files: what was written, the report first.
        seconds: how long it took.
    """

    folder: Path
    survey: Survey
    counts: Counts
    pixels: PixelFacts | None
    crop: CropFacts | None
    checks: tuple[Check, ...]
    files: tuple[Path, ...]
    seconds: float

    def check(self, name: str) -> Check:
        """Return the check of that name."""
        return self.checks[CHECK_NAMES.index(name)]

    def failed(self, names: tuple[str, ...]) -> tuple[Check, ...]:
        """Return those of the named checks that found something."""
        return tuple(self.check(name) for name in names if self.check(name).count)

    def to_dict(self) -> dict[str, Any]:
        """Return plain values for JSON: everything but the single files, which ``files.csv`` has."""
        dataset = self.survey.dataset
        return {
            "dataset": dataset.info.name,
            "images": len(self.survey),
            "readable": int(self.survey.readable.sum()),
            "classes": list(dataset.class_names),
            "read_as": asdict(dataset.taken) if dataset.taken else None,
            "warnings": list(dataset.warnings),
            "counts": self.counts.per_split,
            "balance": {"verdict": self.counts.verdict, "balanced": self.counts.balanced},
            "notes": list(self.counts.notes),
            "pixels": asdict(self.pixels) if self.pixels else None,
            "crop": _crop_dict(self.crop),
            "checks": {check.name: _check_dict(check, self.survey) for check in self.checks},
            "from_cache": self.survey.reused,
            "seconds": round(self.seconds, 2),
        }


def parse_fail_on(text: str) -> tuple[str, ...]:
    """Return the check names of a comma-separated list.

    Raises:
        UsageError: there is no such check.
    """
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    for name in names:
        if name not in CHECK_NAMES:
            raise UsageError(
                f"--fail-on names the unknown check '{name}'.{suggest(name, CHECK_NAMES)} "
                f"Known: {', '.join(CHECK_NAMES)}."
            )
    return names


def _crop_dict(crop: CropFacts | None) -> Mapping[str, Any] | None:
    if crop is None:
        return None
    return {
        "preprocessing": crop.spec.to_dict(),
        "kept_median": round(crop.median, 4),
        "kept_least": round(float(min(crop.kept[crop.kept == crop.kept])), 4),
        "verdict": crop.verdict,
    }


def _check_dict(check: Check, survey: Survey, most: int = 100) -> dict[str, Any]:
    """Return a check with its first hundred findings."""
    return {
        "images": check.count,
        "findings": len(check.findings) + len(check.not_images),
        "skipped": check.skipped,
        "first": [
            *({"files": [image.file], "detail": image.reason} for image in check.not_images[:most]),
            *(
                {
                    "files": [f"{survey.splits[row]}:{survey.files[row]}" for row in finding.rows],
                    "labels": sorted({survey.label(row) for row in finding.rows}),
                    "detail": finding.detail,
                }
                for finding in check.findings[:most]
            ),
        ],
    }
