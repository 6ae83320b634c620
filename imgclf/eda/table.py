"""``files.csv``: one row per file with its measures, hashes and flags, for other tools."""

from collections import defaultdict
from pathlib import Path

import numpy as np

from imgclf.eda.checks.findings import Check
from imgclf.eda.measuring.survey import Survey
from imgclf.tables import write_csv

COLUMNS = (
    "split",
    "file",
    "label",
    "width",
    "height",
    "format",
    "mode",
    "grey",
    "bytes",
    "brightness",
    "entropy",
    "sharpness",
    "file_hash",
    "pixel_hash",
    "perceptual_hash",
    "duplicate_group",
    "near_duplicate_group",
    "flags",
    "error",
)


def write_files_csv(survey: Survey, checks: tuple[Check, ...], path: Path) -> Path:
    """Write one row per image in the dataset's order, then one per file that is no image at all.

    Hashes are 16 hexadecimal digits. Groups are numbered from 1, the first in the report first; empty is none.
    ``flags`` are names of checks, separated by spaces.
    """
    flags: dict[int, list[str]] = defaultdict(list)
    groups: dict[str, dict[int, int]] = {"duplicates": {}, "near-duplicates": {}}
    for check in checks:
        for number, finding in enumerate(check.findings, start=1):
            for row in finding.rows:
                if check.name not in flags[row]:
                    flags[row].append(check.name)
                groups.get(check.name, {}).setdefault(row, number)
    rows = []
    for row in range(len(survey)):
        groups_of_row = [groups[name].get(row, "") for name in ("duplicates", "near-duplicates")]
        rows.append([*_measures(survey, row), *groups_of_row, " ".join(flags[row]), _error(survey, row)])
    for image in survey.dataset.unreadable:
        rows.append(["", image.file, *[""] * (len(COLUMNS) - 4), "unreadable", image.reason])
    write_csv(path, COLUMNS, rows)
    return path


def _measures(survey: Survey, row: int) -> list[object]:
    who: list[object] = [survey.splits[row], survey.files[row], survey.label(row)]
    if row in survey.errors:
        return [*who, *[""] * 12]
    facts = survey.facts[row]
    sharpness = "" if np.isnan(facts["sharpness"]) else f"{facts['sharpness']:.4f}"
    return [
        *who,
        facts["width"],
        facts["height"],
        facts["format"],
        facts["mode"],
        int(facts["grey"]),
        facts["bytes"],
        f"{facts['brightness']:.4f}",
        f"{facts['entropy']:.3f}",
        sharpness,
        f"{facts['file_hash']:016x}" if facts["file_hash"] else "",
        f"{facts['pixel_hash']:016x}",
        f"{facts['perceptual_hash']:016x}",
    ]


def _error(survey: Survey, row: int) -> str:
    return survey.errors[row][1] if row in survey.errors else ""
