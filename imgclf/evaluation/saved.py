"""The answers that a run has saved for a split, as long as they are still its own."""

import csv
from pathlib import Path

from imgclf.runs import Answers, Run, find_predictions, read_predictions


def saved_answers(run: Run, split: str) -> Answers | None:
    """Return the answers of the run's last evaluation if they are of this split and this model; else None."""
    path = find_predictions(run.path)
    if path is None or not run.model_file.is_file():
        return None
    if run.model_file.stat().st_mtime > path.stat().st_mtime:
        return None
    answers = read_predictions(path)
    return answers if set(answers.files) == files_of_split(run.splits, split) else None


def files_of_split(path: Path, split: str) -> set[str]:
    """Return the files of one split in a run's ``splits.csv``; empty without the file."""
    if not path.is_file():
        return set()
    with path.open(newline="", encoding="utf-8") as file:
        return {row["file"] for row in csv.DictReader(file) if row.get("split") == split}
