"""The predictor: a model file, ready to answer for images."""

import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Literal, final

import numpy as np

from imgclf.data.loading.cores import cores
from imgclf.errors import RunError
from imgclf.inference.backend import Backend
from imgclf.inference.batch_size import BatchSize, BatchSizer
from imgclf.inference.exported import format_of
from imgclf.inference.ordered_map import ordered_map
from imgclf.inference.sources import Prepared, Source, as_sources, prepare
from imgclf.records import ModelHeader, Prediction
from imgclf.runs import fingerprint, open_run, read_header
from imgclf.task import SINGLE_LABEL, Decision


@final
class Predictor:
    """Answers for images: paths, encoded images, PIL images or arrays. Made by :meth:`open`.

    ::

        import imgclf

        classifier = imgclf.load("runs/mine")
        for answer in classifier.predict(["first.png", "second.png"]):
            print(answer.file, answer.label, answer.confidence)

    All methods may be called from several threads at once. The memory in use does not depend on how many
    images a stream has.

    Args:
        file: the model file.
        header: what the file says of itself.
        backend: what computes.
        batch_size: images computed at once; ``auto`` measures.
        workers: threads that read images; None is as many as there are cores.
    """

    task = SINGLE_LABEL

    def __init__(
        self,
        file: Path,
        header: ModelHeader,
        backend: Backend,
        batch_size: BatchSize = "auto",
        workers: int | None = None,
    ) -> None:
        self.file = file
        self.header = header
        self.backend = backend
        self._sizer = BatchSizer(backend.device, batch_size)
        self._workers = workers or cores()

    @classmethod
    def open(
        cls,
        run_or_file: str | Path,
        device: str = "auto",
        batch_size: BatchSize = "auto",
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
        workers: int | None = None,
    ) -> "Predictor":
        """Open a model.

        Args:
            run_or_file: a run directory or its name inside ``runs/``, a ``.safetensors`` model file, or an
                exported file (``.onnx`` and more; most compute without torch).
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            batch_size: images computed at once; ``auto`` measures on the first ones.
            precision: in which type the network computes; an exported file has its own.
            workers: threads that read images; None is as many as there are cores.

        Raises:
            RunError: there is no such run, or its model file cannot be read.
            UsageError: there is no such device.
            MissingExtraError: the file needs an extra that is not installed.
        """
        file = find_model_file(run_or_file)
        if exported := format_of(file):
            backend = exported.open(file, device)
            return cls(file, backend.header, backend, batch_size, workers)
        header = read_header(file)
        from imgclf.inference.backends.torch import TorchBackend  # noqa: PLC0415 - torch takes seconds

        return cls(file, header, TorchBackend(file, header, device, precision), batch_size, workers)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in index order."""
        return self.header.class_names

    @property
    def device(self) -> str:
        """Where it computes: ``cpu``, ``cuda`` or ``mps``."""
        return self.backend.device

    def fingerprint(self) -> str:
        """Return the fingerprint of the model file: 16 hexadecimal digits of its SHA-256."""
        return fingerprint(self.file)

    def predict(
        self, sources: Source | Iterable[Source], top_k: int = 5, threshold: float | None = None
    ) -> list[Prediction]:
        """Answer for some images; see :meth:`predict_stream` for very many.

        Args:
            sources: paths, encoded images (bytes), PIL images or uint8 arrays (H, W) or (H, W, 3); one of them
                alone, or an array (N, H, W, 3), is welcome too.
            top_k: how many of the best classes each answer lists; clamped to the number of classes.
            threshold: confidence below which the label is ``unknown``. None takes the model file's own (which may
                be none), 0 never rejects.

        Returns:
            One prediction per source, in order; a source that cannot be read has its error and no label.
        """
        return list(self.predict_stream(sources, top_k=top_k, threshold=threshold))

    def predict_stream(
        self,
        sources: Source | Iterable[Source],
        batch_size: BatchSize | None = None,
        top_k: int = 5,
        threshold: float | None = None,
    ) -> Generator[Prediction, None, None]:
        """Answer for images one by one, in input order, while later ones are being read; ``close()`` ends it early.

        On a CPU each worker thread reads and computes its own batches with one computing thread: on shared
        cores that beats threads inside one operator. On an accelerator workers read, and the caller's
        thread computes.

        Args:
            sources: as for :meth:`predict`; an iterator is consumed as the answers are.
            batch_size: overrides the predictor's own.
            top_k: as for :meth:`predict`.
            threshold: as for :meth:`predict`.
        """
        answer = partial(
            self.task.prediction, class_names=self.class_names, decision=self._decision(top_k, threshold)
        )
        sizer = self._sizer if batch_size is None else BatchSizer(self.device, batch_size)
        return self._stream(as_sources(sources), sizer, answer)

    def prepare(self, source: Source, index: int = 0) -> Prepared:
        """Read and preprocess one source into uint8 pixels (H, W, C), or say why it cannot be read."""
        return prepare(source, index, self.header.preprocessing)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return uncalibrated logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self.backend.logits(batch)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self.task.probabilities(self.backend.logits(batch), self.header.temperature).astype(np.float32)

    def prediction(
        self, file: str, probabilities: np.ndarray, top_k: int = 5, threshold: float | None = None
    ) -> Prediction:
        """Return the record of one image from its probabilities (K,); arguments as for :meth:`predict`."""
        return self.task.prediction(file, probabilities, self.class_names, self._decision(top_k, threshold))

    def embed(self, batch: np.ndarray) -> np.ndarray:
        """Return pooled penultimate features, float32 (N, D), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self.backend.embed(batch)

    def limit_threads(self, count: int | None) -> None:
        """Let the calling thread compute with ``count`` threads from now on; for a pool of workers, 1 is best."""
        self.backend.limit_threads(count)

    def _decision(self, top_k: int, threshold: float | None) -> Decision:
        return Decision(top_k, self.header.threshold if threshold is None else threshold)

    def _stream(
        self, sources: Iterator[Source], sizer: BatchSizer, answer: Callable[..., Prediction]
    ) -> Generator[Prediction, None, None]:
        batches = _batches(enumerate(sources), sizer)
        if self.device == "cpu":
            yield from self._computed_by_workers(batches, sizer, answer)
        else:
            for prepared in ordered_map(self._prepare_all, batches, workers=self._workers):
                yield from self._timed_answers(prepared, sizer, answer)

    def _computed_by_workers(
        self,
        batches: Iterator[Sequence[tuple[int, Source]]],
        sizer: BatchSizer,
        answer: Callable[..., Prediction],
    ) -> Generator[Prediction, None, None]:
        def work(batch: Sequence[tuple[int, Source]]) -> list[Prediction]:
            return self._timed_answers(self._prepare_all(batch), sizer, answer)

        try:
            for predictions in ordered_map(work, batches, self._workers, partial(self.limit_threads, 1)):
                yield from predictions
        finally:
            self.limit_threads(None)

    def _prepare_all(self, batch: Sequence[tuple[int, Source]]) -> list[Prepared]:
        return [self.prepare(source, index) for index, source in batch]

    def _timed_answers(
        self, prepared: Sequence[Prepared], sizer: BatchSizer, answer: Callable[..., Prediction]
    ) -> list[Prediction]:
        start = time.perf_counter()
        predictions = self._answers(prepared, answer)
        if readable := sum(item.pixels is not None for item in prepared):
            sizer.record(readable, time.perf_counter() - start)
        return predictions

    def _answers(self, prepared: Sequence[Prepared], answer: Callable[..., Prediction]) -> list[Prediction]:
        """Compute what could be read; each answer is paired with its own image, never by position alone."""
        pixels = [item.pixels for item in prepared if item.pixels is not None]
        rows = iter(self.probabilities(np.stack(pixels)) if pixels else ())
        return [
            Prediction(file=item.file, error=item.error)
            if item.pixels is None
            else answer(item.file, next(rows))
            for item in prepared
        ]


def _batches(
    numbered: Iterator[tuple[int, Source]], sizer: BatchSizer
) -> Iterator[Sequence[tuple[int, Source]]]:
    while batch := list(itertools.islice(numbered, sizer.next_size())):
        yield batch


def find_model_file(run_or_file: str | Path) -> Path:
    """Return the file that a run directory, the name of a run or a path means.

    Raises:
        RunError: there is no such run, or it has no model yet.
    """
    path = Path(run_or_file)
    if path.suffix.lower() == ".safetensors" or format_of(path):
        return path
    run = open_run(path)
    if not run.model_file.is_file():
        raise RunError(
            f"{run.path}: this run has no model yet (no model.safetensors in it). "
            f"Let its training finish, or resume it: imgclf train --resume {run.path}"
        )
    return run.model_file
