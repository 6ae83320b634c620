"""The model that serves: opened, warmed up, measured, and swapped for a newer one while requests go on."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, final

import numpy as np

from imgclf.data import cores
from imgclf.inference import Predictor
from imgclf.records import ModelHeader
from imgclf.serving.model.loaded import LoadedModel
from imgclf.serving.model.pace import gives_same_predictions, is_worth_rounding, pace_of
from imgclf.serving.settings import ServerSettings

_LOOK_EVERY_SECONDS = 1.0


def open_model(settings: ServerSettings) -> LoadedModel:
    """Open the model file, compute once, and measure in which precision and batch it is fastest.

    Raises:
        ImgclfError: it cannot be read, or cannot compute.
    """
    predictor = Predictor.open(settings.model, device=settings.device, runtime=settings.runtime)
    threads = settings.threads or cores()
    pace = pace_of(predictor, threads, settings.max_batch)
    rounded = None
    torch_computes = predictor.backend.name == "torch" or settings.precision == "bf16"
    if settings.precision != "fp32" and predictor.has_network and torch_computes:
        rounded = Predictor.open(settings.model, device=settings.device, precision="bf16")
        rounded_pace = pace_of(rounded, threads, settings.max_batch)
        if settings.precision == "bf16" or (
            is_worth_rounding(pace, rounded_pace) and gives_same_predictions(predictor, rounded)
        ):
            pace = rounded_pace
        else:
            rounded = None
    return LoadedModel(predictor, predictor.fingerprint(), pace.batch, rounded)


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
        "backend": model.engine,
        "chosen_because": model.predictor.chosen_because,
        "device": model.predictor.device,
        "precision": model.precision,
        "batch_cap": model.batch_cap,
    }


def _plain_numbers(metrics: Any) -> dict[str, float]:
    if not isinstance(metrics, dict):
        return {}
    numbers = {key: value for key, value in metrics.items() if isinstance(value, int | float)}
    return {key: float(value) for key, value in numbers.items() if np.isfinite(value)}
