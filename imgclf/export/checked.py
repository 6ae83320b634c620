"""What all formats of one file share: a file is kept only if it predicts like the run."""

import json
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from imgclf.atomic import write_text
from imgclf.errors import ModelError
from imgclf.export.job import ExportJob
from imgclf.export.parity import ParityReport, compare_predictions
from imgclf.inference import ExportedFormat


def write_checked(
    kind: ExportedFormat, job: ExportJob, write: Callable[[Path], None], places: np.ndarray | None = None
) -> tuple[ParityReport, Path]:
    """Write a file elsewhere, open it as a predictor would, compare, and move it to its place if it predicts alike.

    Args:
        kind: opens the file.
        job: what is exported; its target's folder is made.
        write: writes the file to a path on the same disk.
        places: which of the job's images to compare with, int64; None takes all.

    Returns:
        The report and the file that it was written to, ``<file>.parity.json``.

    Raises:
        ModelError: the check failed; the report says by how much.
    """
    job.target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=job.target.parent, prefix=".export-") as folder:
        file = Path(folder) / job.target.name
        write(file)
        chosen = np.arange(len(job.pixels)) if places is None else places
        labels = None if job.labels is None else job.labels[chosen]
        predicted = kind.open(file, "cpu").logits
        report = compare_predictions(
            job.model, predicted, job.pixels[chosen], job.precision, job.tolerance, labels
        )
        return report, _keep_if_alike(Path(folder), job.target, report)


def _keep_if_alike(folder: Path, target: Path, report: ParityReport) -> Path:
    report_file = target.with_name(f"{target.name}.parity.json")
    content = {"file": target.name, **report.to_dict()}
    write_text(report_file, json.dumps(content, indent=2) + "\n")
    if not report.passed:
        raise ModelError(
            f"'{target.name}' does not predict like the model it was made from: {report}. It was not kept; "
            f"{report_file} has the figures. Export in a higher precision, or allow more with --tolerance."
        )
    for part in folder.iterdir():  # some formats have a second file, of weights
        part.replace(target.with_name(part.name))
    return report_file
