"""A worker of a cluster: one predictor, answering for one chunk of images after another."""

import contextlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import final

import numpy as np

from imgclf._version import __version__
from imgclf.errors import UsageError
from imgclf.inference.batch_size import BatchSize
from imgclf.inference.predictor import Predictor
from imgclf.inference.sources import Source
from imgclf.records import Prediction
from imgclf.task import Decision


@dataclass(frozen=True)
class Order:
    """What every worker of a job must know besides the model.

    Attributes:
        file_name: of the model file; its ending says what it is.
        device: as for :meth:`imgclf.inference.Predictor.open`.
        batch_size: as for :meth:`imgclf.inference.Predictor.open`.
        threads: how many threads read images and, on a CPU, compute.
        folder: where the program was started: relative paths begin there, if the worker's machine has it.
        decision: how probabilities become predictions; without a threshold the model file's own counts.
        with_probabilities: whether answers keep the probability of every class; without, they travel lighter.
        version: of the imgclf that gives the order.
    """

    file_name: str
    device: str
    batch_size: BatchSize
    threads: int
    folder: str
    decision: Decision
    with_probabilities: bool
    version: str = __version__


@final
class Worker:
    """A predictor made from the content of a model file, so that no machine needs the run directory.

    Args:
        model: the content, uint8.
        order: what to do.

    Raises:
        UsageError: this machine has another version of imgclf, or lacks the device.
        RunError: the model file cannot be read.
        MissingExtraError: it needs an extra that this machine lacks.
    """

    def __init__(self, model: np.ndarray, order: Order) -> None:
        if order.version != __version__:
            raise UsageError(
                f"A machine of the cluster has imgclf {__version__}, but this program is {order.version}. "
                f"Install the same version on all of them."
            )
        with contextlib.suppress(OSError):
            os.chdir(order.folder)
        self._order = order
        with TemporaryDirectory(prefix="imgclf-", ignore_cleanup_errors=True) as folder:
            file = Path(folder) / order.file_name
            model.tofile(file)
            self._predictor = Predictor.open(file, order.device, order.batch_size, workers=order.threads)
            # An answer for a grey square opens whatever is opened late, so that the file may go.
            self._predictor.predict([np.full((8, 8), 128, np.uint8)])

    def answer(self, sources: Sequence[Source]) -> list[Prediction]:
        """Answer for a chunk of images, in order, by the road of every other prediction."""
        order = self._order
        answers = self._predictor.predict(
            sources, top_k=order.decision.top_k, threshold=order.decision.threshold
        )
        if order.with_probabilities:
            return answers
        return [replace(answer, probabilities={}) for answer in answers]
