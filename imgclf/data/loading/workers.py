"""Worker processes for what has to be done image by image in Python.

That is reading a set too large for memory, and v2 transforms without a batched twin. A worker makes whole batches, so that one seed per batch decides everything random in it, whatever the number of
workers. On Linux workers are forked: they start in milliseconds, share the decoded images, run one thread each and
never touch a GPU. Elsewhere Python's own start method is used; spawned workers get decoded pixels through shared memory
(or the name of a mapped file), not by value.
"""

import os
import random
import signal
import sys
import threading
import warnings
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np
import torch
from PIL import Image
from torch.utils.data import DataLoader, Dataset, Sampler
from torchvision import tv_tensors
from torchvision.transforms import v2

from imgclf.data.augment.crops import Crop, cut
from imgclf.data.examples import Examples
from imgclf.data.images.preparation import Preparation
from imgclf.data.images.preprocess import preprocess
from imgclf.data.loading.batches import Pixels, Request
from imgclf.data.loading.cores import cores
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.errors import ConfigError, DataError, ImageError
from imgclf.records import Preprocessing, UnreadableImage
from imgclf.words import first_line

_START = "fork" if sys.platform == "linux" else None


@dataclass(frozen=True, eq=False)
class BatchWork(Dataset[Pixels]):
    """Makes one batch; sent to the workers once.

    Attributes:
        examples: the split.
        decoded: its pixels where they are in memory, else None: files are read again in each epoch.
        prepare: what is taken of an image that is read.
        crop: a crop of ours, or None.
        per_image: v2 transforms, in order.
        spec: the model's preprocessing.
        keep_size: whether batched transforms follow; otherwise what ends at another size is brought to the input's.
    """

    examples: Examples
    decoded: "DecodedImages | _SharedImages | None"
    prepare: Preparation
    crop: Crop | None
    per_image: tuple[v2.Transform, ...]
    spec: Preprocessing
    keep_size: bool

    def __getitem__(self, request: Request) -> Pixels:
        """Return the batch without the images that cannot be read, and their names."""
        images, kept, failures = [], [], []
        for index in request.indices.tolist():
            try:
                images.append(self._image(index))
                kept.append(index)
            except ImageError as error:
                failures.append(UnreadableImage(self.examples.files[index], error.reason))
        images = (
            self._cropped(images, request.seed)
            if self.crop is not None
            else self._transformed(images, request)
        )
        shape = (0, *self.spec.image_size, self.spec.channels)
        values = np.stack(images) if images else np.zeros(shape, np.uint8)
        return Pixels(torch.from_numpy(values), np.asarray(kept, dtype=np.int64), tuple(failures))

    def _image(self, index: int) -> np.ndarray:
        channels = self.prepare.channels
        if self.decoded is None:
            source, name = self.examples.images[index], self.examples.files[index]
            return self.prepare.read(source, name)
        pixels = self.decoded[index]
        return np.repeat(pixels, channels, axis=2) if pixels.shape[2] < channels else pixels

    def _cropped(self, images: list[np.ndarray], seed: int) -> list[np.ndarray]:
        crop = self.crop
        if crop is None or not images:
            return images
        boxes = crop.draw(np.array([image.shape[:2] for image in images]), np.random.default_rng(seed))
        return [cut(image, box, crop) for image, box in zip(images, boxes, strict=True)]

    def _transformed(self, images: list[np.ndarray], request: Request) -> list[np.ndarray]:
        """Run the v2 transforms; they draw from the global generators, which are left as they were found."""
        state = random.getstate()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(request.seed)
            random.seed(request.seed)
            changed = [self._apply(image) for image in images]
        random.setstate(state)
        return changed

    def _apply(self, pixels: np.ndarray) -> np.ndarray:
        image: Any = tv_tensors.Image(torch.from_numpy(np.array(pixels)).permute(2, 0, 1))
        for transform in self.per_image:
            try:
                image = transform(image)
            except Exception as error:  # torchvision raises whatever a misfit runs into
                size = f"{image.shape[-2]}x{image.shape[-1]}"
                raise ConfigError(
                    f"augment.transforms: {type(transform).__name__} failed on an image of {size} pixels: {first_line(error)}."
                ) from None
        changed: np.ndarray = image.permute(1, 2, 0).contiguous().numpy()
        if self.keep_size or changed.shape[:2] == self.spec.image_size:
            return changed
        whole = Image.fromarray(changed[:, :, 0] if changed.shape[2] == 1 else changed)
        return preprocess(whole, replace(self.spec, crop_fraction=1.0))


@dataclass(frozen=True, eq=False)
class _SharedImages:
    """Decoded images in memory that spawned workers share: they get a name for it, and not gigabytes each.

    Attributes:
        pixels: uint8 (bytes,), in shared memory.
        offsets: as of DecodedImages.
        shapes: as of DecodedImages.
    """

    pixels: torch.Tensor
    offsets: np.ndarray
    shapes: np.ndarray

    def __getitem__(self, index: int) -> np.ndarray:
        return DecodedImages(self.pixels.numpy(), self.offsets, self.shapes)[index]


def _for_spawned(work: BatchWork) -> BatchWork:
    """Return the work with its pixels where spawned processes find them; a mapped file travels by its name anyway."""
    decoded = work.decoded
    if not isinstance(decoded, DecodedImages) or isinstance(decoded.block, np.memmap):
        return work
    pixels = torch.from_numpy(decoded.block).share_memory_()  # type: ignore[no-untyped-call]
    return replace(work, decoded=_SharedImages(pixels, decoded.offsets, decoded.shapes))


class WorkerBatches:
    """Batches made by worker processes, or in this process where there are none."""

    def __init__(self, work: BatchWork, workers: int, *, pin: bool) -> None:
        self._work = work
        self._requests = _Requests()
        self._loader = _data_loader(work, self._requests, workers, pin=pin) if workers else None

    def pixels(self, requests: Sequence[Request]) -> Generator[Pixels, None, None]:
        """Yield the batches in order.

        Raises:
            DataError: a worker process was killed.
        """
        if self._loader is None:
            yield from (self._work[request] for request in requests)
            return
        self._requests.list = list(requests)
        try:
            for outcome in _started(self._loader):
                if isinstance(outcome, ConfigError):
                    raise outcome
                yield outcome
        except (
            RuntimeError,
            ConnectionError,
            EOFError,
        ) as error:  # the last two: it died while handing over a batch
            if isinstance(error, RuntimeError) and "DataLoader worker" not in str(error):
                raise
            raise DataError(
                "A worker process that prepares images was killed, most likely because memory ran out. Use fewer workers "
                "(--set data.workers=1), or none (--set data.workers=0)."
            ) from None


def _started(loader: DataLoader[Any]) -> Iterator[Any]:
    """Start the workers (or wake them for another epoch)."""
    on_main_thread = threading.current_thread() is threading.main_thread()
    handler = signal.getsignal(signal.SIGCHLD) if hasattr(signal, "SIGCHLD") and on_main_thread else None
    with warnings.catch_warnings():
        # Python 3.12 warns of any fork beside threads; these workers use none of the parent's locks.
        warnings.simplefilter("ignore", DeprecationWarning)
        batches = iter(loader)
    if handler is not None:
        # torch's own handler raises wherever the main thread is when a worker dies: in the middle of a step, say.
        # Without it a death is noticed by the next wait for a batch.
        signal.signal(signal.SIGCHLD, handler)
    return batches


class _Requests(Sampler[Request]):
    """What the data loader iterates over; the list is replaced before each epoch."""

    def __init__(self) -> None:
        self.list: list[Request] = []

    def __iter__(self) -> Iterator[Request]:
        return iter(self.list)

    def __len__(self) -> int:
        return len(self.list)


class _Careful(Dataset[Any]):
    """Passes a ConfigError on as a value: the data loader would bury it in a worker's traceback."""

    def __init__(self, work: BatchWork) -> None:
        self._work = work

    def __getitem__(self, request: Request) -> Pixels | ConfigError:
        try:
            return self._work[request]
        except ConfigError as error:
            return error


def _data_loader(work: BatchWork, requests: _Requests, workers: int, *, pin: bool) -> DataLoader[Any]:
    with warnings.catch_warnings():
        # A person who asks for more workers than cores has a reason: files on a slow network, say.
        warnings.filterwarnings("ignore", "This DataLoader will create")
        return _made_loader(work, requests, workers, pin=pin)


def _made_loader(work: BatchWork, requests: _Requests, workers: int, *, pin: bool) -> DataLoader[Any]:
    return DataLoader(
        _Careful(work if _START == "fork" else _for_spawned(work)),
        sampler=requests,
        batch_size=None,
        num_workers=workers,
        persistent_workers=True,
        pin_memory=pin,
        prefetch_factor=2,
        multiprocessing_context=_START,
    )


def worker_count(workers: int | Literal["auto"], device: torch.device, world_size: int) -> int:
    """Return the number of worker processes.

    ``auto`` leaves half of the cores to a step that runs on them, and one to a step that runs on a GPU.
    """
    if workers != "auto":
        return workers
    share = cores() // int(os.environ.get("LOCAL_WORLD_SIZE", world_size))
    return max(1, min(8, share // 2) if device.type == "cpu" else min(16, share - 1))
