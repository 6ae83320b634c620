"""The predictor: a model file, ready to answer for images."""

from collections.abc import Generator, Iterable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Literal, final

import numpy as np

from imgclf.errors import RunError, UsageError
from imgclf.inference.backend import Backend
from imgclf.inference.batch_size import BatchSize
from imgclf.inference.batches import Batches
from imgclf.inference.exported import format_of
from imgclf.inference.runtimes import Runtime, open_backend
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
        self.batches = Batches(backend.device, backend.limit_threads, batch_size, workers)
        self.precision = "as exported"
        self.chosen_because = "it is the format of the file"

    @classmethod
    def open(
        cls,
        run_or_file: str | Path,
        device: str = "auto",
        batch_size: BatchSize = "auto",
        precision: Literal["fp32", "bf16", "fp16"] = "fp32",
        workers: int | None = None,
        runtime: Runtime = "auto",
    ) -> "Predictor":
        """Open a model.

        Args:
            run_or_file: a run directory or its name inside ``runs/``, a ``.safetensors`` model file, or an
                exported file (``.onnx`` and more; most compute without torch).
            device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
            batch_size: images computed at once; ``auto`` measures on the first ones.
            precision: in which type the network computes; an exported file has its own.
            workers: threads that read images; None is as many as there are cores.
            runtime: the library that computes a model file: ``auto`` takes on a CPU the faster of ONNX Runtime and
                PyTorch, ``onnx`` and ``torch`` insist. Torch is not imported where it does not compute.

        Raises:
            RunError: there is no such run, or its model file cannot be read.
            UsageError: there is no such device or runtime.
            ModelError: ONNX Runtime was insisted on and cannot compute this network.
            MissingExtraError: the file needs an extra that is not installed.
        """
        file = find_model_file(run_or_file)
        if exported := format_of(file):
            backend = exported.open(file, device)
            return cls(file, backend.header, backend, batch_size, workers)
        header = read_header(file)
        network, choice = open_backend(file, header, device, precision, runtime)
        predictor = cls(file, header, network, batch_size, workers)
        predictor.precision, predictor.chosen_because = network.precision, choice.why
        return predictor

    def with_torch(self) -> "Predictor":
        """Return this model with PyTorch behind it, for what needs its layers and gradients; itself if it has that.

        Raises:
            UsageError: it is an exported file, which has neither.
        """
        if self.backend.name == "torch":
            return self
        if not self.has_network:
            raise UsageError(
                f"{self.file}: an exported model shows no layers and no gradients. Take the run that it was exported "
                f"from, or its model.safetensors."
            )
        return Predictor.open(self.file, device=self.device, runtime="torch")

    @property
    def has_network(self) -> bool:
        """Whether the file holds the network itself, and not only an exported graph of it."""
        return self.file.suffix.lower() == ".safetensors"

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

        Args:
            sources: as for :meth:`predict`; an iterator is consumed as the answers are.
            batch_size: overrides the predictor's own.
            top_k: as for :meth:`predict`.
            threshold: as for :meth:`predict`.
        """
        decision = self._decision(top_k, threshold)
        return self._stream(as_sources(sources), decision, batch_size)

    def prepare(self, source: Source, index: int = 0) -> Prepared:
        """Read and preprocess one source into uint8 pixels (H, W, C), or say why it cannot be read."""
        return prepare(source, index, self.header.preprocessing)

    def logits(self, batch: np.ndarray) -> np.ndarray:
        """Return uncalibrated logits, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self.backend.logits(batch)

    def probabilities(self, batch: np.ndarray) -> np.ndarray:
        """Return calibrated probabilities, float32 (N, K), for preprocessed pixels, uint8 (N, H, W, C)."""
        return self.task.probabilities(self.logits(batch), self.header.temperature).astype(np.float32)

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
        self, sources: Iterator[Source], decision: Decision, batch_size: BatchSize | None
    ) -> Generator[Prediction, None, None]:
        def compute(pixels: list[np.ndarray]) -> np.ndarray:
            return self.probabilities(np.stack(pixels))

        with closing(self.batches.computed(sources, self.prepare, compute, batch_size)) as computed:
            for prepared, row in computed:
                yield (
                    Prediction(file=prepared.file, error=prepared.error)
                    if row is None
                    else self.task.prediction(prepared.file, row, self.class_names, decision)
                )


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
