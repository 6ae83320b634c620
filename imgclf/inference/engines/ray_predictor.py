"""Predict on a Ray cluster, through Ray Data: the answers of one program, by the work of many machines."""

import pickle
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, final

import numpy as np
import pyarrow as pa

from imgclf.errors import ImgclfError
from imgclf.inference.batch_size import BatchSize
from imgclf.inference.engines.attempts import Attempts, answer_chunk
from imgclf.inference.engines.pool import Pool, plan_pool
from imgclf.inference.engines.ray_cluster import import_ray, joined_cluster
from imgclf.inference.engines.worker import Order, Worker
from imgclf.inference.exported import format_of
from imgclf.inference.predictor import find_model_file
from imgclf.inference.sources import Source
from imgclf.records import ModelHeader, Prediction
from imgclf.runs import fingerprint, read_header
from imgclf.task import Decision

CHUNK = 256
"""Images for a CPU at a time: seconds of work, so that what Ray spends on each chunk (milliseconds) is nothing."""

WINDOW = 1_000_000
"""Names in memory at a time, about 100 MB of them; workers start anew for the next window."""


@final
class RayPredictor:
    """Answers as :class:`imgclf.inference.Predictor` does, by the workers of a Ray cluster. Made by :meth:`open`.

    The model file travels through Ray's object store, once to each machine. Images do not travel: each machine
    reads them by the same paths, from a file system that all of them share.

    Args:
        file: the model file.
        header: what it says of itself.
        device: ``auto`` takes the cluster's GPUs if it has any.
        batch_size: images computed at once; with a number the answers are those of one process to the last bit.
        address: of the cluster; see :func:`imgclf.inference.engines.ray_cluster.joined_cluster`.
        with_probabilities: whether answers hold the probability of every class, or only the best ones.
        notify: is told which workers there are.
    """

    def __init__(
        self,
        file: Path,
        header: ModelHeader,
        device: str = "auto",
        batch_size: BatchSize = "auto",
        address: str | None = None,
        with_probabilities: bool = True,
        notify: Callable[[str], None] | None = None,
    ) -> None:
        self.file = file
        self.header = header
        self._device = device
        self._batch_size = batch_size
        self._address = address
        self._with_probabilities = with_probabilities
        self._notify = notify

    @classmethod
    def open(cls, run_or_file: str | Path, **options: Any) -> "RayPredictor":
        """Find the model and read its header; nothing is started before there are images.

        Args:
            run_or_file: as for :meth:`imgclf.inference.Predictor.open`.
            options: arguments of the class.

        Raises:
            MissingExtraError: Ray is not installed.
            RunError: there is no such run, or its model file cannot be read.
        """
        import_ray()
        file = find_model_file(run_or_file)
        exported = format_of(file)
        return cls(file, exported.open(file, "cpu").header if exported else read_header(file), **options)

    @property
    def class_names(self) -> tuple[str, ...]:
        """The class names in index order."""
        return self.header.class_names

    def fingerprint(self) -> str:
        """Return the fingerprint of the model file: 16 hexadecimal digits of its SHA-256."""
        return fingerprint(self.file)

    def predict_stream(
        self, sources: Iterable[Source], top_k: int = 5, threshold: float | None = None
    ) -> Generator[Prediction, None, None]:
        """Answer for images, in input order; ``close()`` ends it early, and with it a cluster of our own.

        Args:
            sources: as for :meth:`imgclf.inference.Predictor.predict_stream`; read a window at a time.
            top_k: the same.
            threshold: the same.

        Raises:
            UsageError: there is no cluster at the address, or no such device in it.
            RunError: the cluster failed.
        """
        return self._stream(iter(sources), Decision(top_k, threshold))

    def _stream(self, sources: Iterator[Source], decision: Decision) -> Generator[Prediction, None, None]:
        with joined_cluster(self._address, self.file.stat().st_size) as machines:
            pool = plan_pool(machines, self._device)
            if self._notify:
                self._notify(f"Ray: {pool}")
            order = Order(
                file_name=self.file.name,
                device=pool.device,
                batch_size=self._batch_size,
                threads=pool.cpus,
                folder=str(Path.cwd()),
                decision=decision,
                with_probabilities=self._with_probabilities,
            )
            model = import_ray().put(np.fromfile(self.file, np.uint8))
            size = _chunk_size(pool, self._batch_size)
            while window := list(islice(_chunks(sources, size), WINDOW // size)):
                for answers in _answered(window, pool, model, order):
                    yield from answers


class _Actor:
    """A worker as Ray Data wants it. An error is an answer too, so that Ray does not try again and again.

    Ray starts a worker anew that was killed, with the same chunk; the attempts know which image was to blame.
    """

    def __init__(self, model: Any, attempts: Any, order: Order) -> None:
        self._attempts = attempts
        self._worker: Worker | ImgclfError
        try:
            self._worker = Worker(import_ray().get(model), order)
        except ImgclfError as error:
            self._worker = error

    def __call__(self, rows: pa.Table) -> pa.Table:
        """Answer for each chunk."""
        answers = [self._answer(**row) for row in rows.to_pylist()]
        return pa.table({"answers": [pickle.dumps(answer) for answer in answers]})

    def _answer(self, chunk: int, sources: bytes) -> list[Prediction] | ImgclfError:
        if isinstance(self._worker, ImgclfError):
            return self._worker
        try:
            return answer_chunk(chunk, pickle.loads(sources), self._worker.answer, self._begin, self._end)
        except ImgclfError as error:
            return error

    def _begin(self, *work: int) -> int:
        before: int = import_ray().get(self._attempts.begin.remote(*work))
        return before

    def _end(self, *work: int) -> None:
        import_ray().get(self._attempts.end.remote(*work))


def _chunk_size(pool: Pool, batch_size: BatchSize) -> int:
    """Return how many images to send at once: whole batches, cut where one process would cut them."""
    wanted = CHUNK * pool.cpus
    return wanted if batch_size == "auto" else -(-wanted // batch_size) * batch_size


def _chunks(sources: Iterator[Source], size: int) -> Iterator[bytes]:
    while chunk := list(islice(sources, size)):
        yield pickle.dumps(chunk)


def _answered(window: Sequence[bytes], pool: Pool, model: Any, order: Order) -> Iterator[list[Prediction]]:
    ray = import_ray()
    context = ray.data.DataContext.get_current()
    context.execution_options.preserve_order = True
    context.enable_progress_bars = False
    workers = min(pool.workers, len(window))
    attempts = ray.remote(num_cpus=0, max_restarts=-1, max_task_retries=-1)(Attempts).remote()
    dataset = ray.data.from_items(
        [{"chunk": chunk, "sources": sources} for chunk, sources in enumerate(window)],
        override_num_blocks=len(window),
    ).map_batches(
        _Actor,
        fn_constructor_kwargs={"model": model, "attempts": attempts, "order": order},
        batch_format="pyarrow",
        batch_size=None,
        compute=ray.data.ActorPoolStrategy(size=workers, max_tasks_in_flight_per_actor=2),
        num_cpus=pool.cpus,
        num_gpus=pool.gpus,
    )
    for row in dataset.iter_rows():
        answers = pickle.loads(row["answers"])
        if isinstance(answers, ImgclfError):
            raise answers
        yield answers
