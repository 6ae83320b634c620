"""What an export is made from, and what it gives."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgclf.export.parity import ParityReport, Precision
from imgclf.export.public import public_header
from imgclf.inference import Predictor
from imgclf.records import ModelHeader
from imgclf.runs import Run


@dataclass(frozen=True, eq=False)
class ExportJob:
    """One export to do.

    Attributes:
        model: opened with PyTorch on the CPU.
        target: the file to write, with the format's ending, or the folder. It may replace what is there.
        pixels: real images to check and to calibrate with, as the model's preprocessing leaves them,
            uint8 (N, H, W, C).
        labels: int64 (N,), what the images show, -1 where nobody knows; None where that is so for all.
        run: where the model comes from; None for a lone model file.
        precision: of the file.
        baked: normalise inside, so that the input is uint8 (N, H, W, C).
        tolerance: the difference of a probability that passes; None takes the precision's own.
        overwrite: whether what another export left beside the target may be replaced.
    """

    model: Predictor
    target: Path
    pixels: np.ndarray
    run: Run | None = None
    labels: np.ndarray | None = None
    precision: Precision = "fp32"
    baked: bool = False
    tolerance: float | None = None
    overwrite: bool = False

    @property
    def header(self) -> ModelHeader:
        """What the file says of itself: the model's header without paths of this machine."""
        return public_header(self.model.header)


@dataclass(frozen=True)
class Exported:
    """What an export wrote.

    Attributes:
        files: the exported file first.
        report: how its predictions compare with the run's.
    """

    files: tuple[Path, ...]
    report: ParityReport
