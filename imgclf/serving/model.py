"""The model that serves: opened, warmed up, measured, and swapped for a newer one while requests go on."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from imgclf.inference import Predictor
from imgclf.records import ModelHeader
from imgclf.serving.batching import LoadedModel
from imgclf.serving.settings import ServerSettings

_CAPS = {"cpu": (1, 2, 4, 8), "other": (8, 16, 32, 64)}
_WORTH_IT = 0.97  # a larger batch must save 3 % an image: it delays the first of its answers
_BUDGET_SECONDS = 5.0
_LOOK_EVERY_SECONDS = 1.0


def open_model(settings: ServerSettings) -> LoadedModel:
    """Open the model file, compute once, and measure which batch is fastest.

    Raises:
        ImgclfError: it cannot be read, or cannot compute.
    """
    predictor = Predictor.open(settings.model, device=settings.device)
    fingerprint = predictor.fingerprint()
    predictor.limit_threads(1)
    try:
        cap = settings.max_batch or fastest_batch(predictor)
    finally:
        predictor.limit_threads(None)
    return LoadedModel(predictor, fingerprint, cap)


def fastest_batch(predictor: Predictor) -> int:
    """Return the batch size that is fastest for each image, trying larger ones as long as they gain.

    A large batch hurts on a CPU: its activations fall out of the cache.
    """
    sizes = _CAPS["cpu" if predictor.device == "cpu" else "other"]
    _seconds_an_image(predictor, 1)  # the first batch pays for what is prepared once
    begun = time.perf_counter()
    best, best_seconds = sizes[0], _seconds_an_image(predictor, sizes[0])
    for size in sizes[1:]:
        seconds = _seconds_an_image(predictor, size)
        if seconds > best_seconds * _WORTH_IT or time.perf_counter() - begun > _BUDGET_SECONDS:
            break
        best, best_seconds = size, seconds
    return best


def _seconds_an_image(predictor: Predictor, size: int) -> float:
    spec = predictor.header.preprocessing
    batch = np.full((size, *spec.image_size, spec.channels), 128, np.uint8)
    times = []
    for _ in range(3):
        start = time.perf_counter()
        predictor.probabilities(batch)
        times.append(time.perf_counter() - start)
    return min(times) / size


@final
class ServedModel:
    """Holds the one model; :meth:`watch` swaps it when its file changes.

    Args:
        settings: say which model, where to compute.
        told: takes a sentence about each swap, and the error of one that failed.
    """

    def __init__(self, settings: ServerSettings, told: Callable[[str, BaseException | None], None]) -> None:
        self._settings = settings
        self._told = told
        self._current = open_model(settings)
        self._stamp = _stamp(self.current.predictor.file)

    @property
    def current(self) -> LoadedModel:
        """The model that serves now."""
        return self._current

    async def watch(self) -> None:
        """Look at the file once a second, for ever; a model that cannot be read leaves the old one serving."""
        while True:
            await asyncio.sleep(_LOOK_EVERY_SECONDS)
            stamp = await asyncio.to_thread(_stamp, self.current.predictor.file)
            if stamp in (self._stamp, None):
                continue
            self._stamp = stamp
            await asyncio.to_thread(self._swap)

    def _swap(self) -> None:
        before = self._current.fingerprint
        try:
            fresh = open_model(self._settings)
        except Exception as error:  # whatever a broken file does, the old model goes on
            self._told(f"The changed model file cannot be served; {before} goes on.", error)
            return
        if fresh.fingerprint != before:
            self._current = fresh
            self._told(f"Model {before} was swapped for {fresh.fingerprint}.", None)


@dataclass(frozen=True)
class _Stamp:
    modified: int
    size: int
    inode: int


def _stamp(file: Path) -> _Stamp | None:
    try:
        status = file.stat()
    except OSError:
        return None  # between two files, perhaps
    return _Stamp(status.st_mtime_ns, status.st_size, status.st_ino)


def model_name(model: LoadedModel) -> str:
    """Return what the model is called: its run's name, or its file's."""
    file = model.predictor.file
    return file.resolve().parent.name if file.name == "model.safetensors" else file.stem


def described(model: LoadedModel) -> dict[str, Any]:
    """Return what a client may know of the model: no paths of this machine, no parts of the training data."""
    header: ModelHeader = model.predictor.header
    return {
        "name": model_name(model),
        "architecture": header.arch,
        "classes": list(header.class_names),
        "preprocessing": header.preprocessing.to_dict(),
        "temperature": header.temperature,
        "threshold": header.threshold,
        "metrics": _plain_numbers(header.provenance.get("metrics")),
        "fingerprint": model.fingerprint,
        "backend": model.predictor.backend.name,
        "device": model.predictor.device,
        "batch_cap": model.batch_cap,
    }


def _plain_numbers(metrics: Any) -> dict[str, float]:
    if not isinstance(metrics, dict):
        return {}
    numbers = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items() if np.isfinite(value)}
