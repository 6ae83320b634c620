"""Read and measure every image of a dataset once, on all cores, taking from the cache what has not changed."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from imgclf.data import Dataset, ImageSource, cores
from imgclf.eda.measuring.cache import cache_file, cache_key, load_cache, save_cache
from imgclf.eda.measuring.measure import FACTS, Measured, measure_images
from imgclf.records import OnProgress, Progress, UnreadableImage

_CHUNK = 64
_SAVE_EVERY = 200_000  # images between two writes of the cache, so that an interrupted look is not lost


@dataclass(frozen=True, eq=False)
class Survey:
    """Every image of a dataset with what was measured on it; all attributes are in one order, split by split.

    Attributes:
        dataset: what was looked at.
        splits: (N,) str, the split of each image.
        indices: int64 (N,), its index within its split.
        files: N names, unique within a split.
        labels: int64 (N,).
        facts: ``FACTS`` (N,); zeros where the image cannot be read.
        errors: row -> (kind, reason) of those that cannot be read.
        reused: how many came from the cache.
    """

    dataset: Dataset
    splits: np.ndarray
    indices: np.ndarray
    files: Sequence[str]
    labels: np.ndarray
    facts: np.ndarray
    errors: dict[int, tuple[str, str]]
    reused: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def readable(self) -> np.ndarray:
        """Bool (N,): which images could be read."""
        mask = np.ones(len(self), bool)
        mask[list(self.errors)] = False
        return mask

    def source(self, row: int) -> ImageSource:
        """Return the image itself, still encoded."""
        return self.dataset.splits[str(self.splits[row])].images[int(self.indices[row])]

    def label(self, row: int) -> str:
        """Return the class name of an image."""
        return self.dataset.class_names[int(self.labels[row])]

    def unreadable(self) -> list[UnreadableImage]:
        """Return what cannot be read: first what the dataset found to be no image at all."""
        named = [
            UnreadableImage(f"{self.files[row]}", reason) for row, (_, reason) in sorted(self.errors.items())
        ]
        return [*self.dataset.unreadable, *named]


def survey(dataset: Dataset, *, use_cache: bool = True, progress: OnProgress = None) -> Survey:
    """Measure every image of every split.

    Args:
        dataset: as opened.
        use_cache: take unchanged images from the cache and store the others there.
        progress: told how many images are done.
    """
    names = list(dataset.splits)
    sizes = [len(dataset.splits[name]) for name in names]
    splits = np.repeat(np.array(names), sizes)
    indices = np.concatenate([np.arange(size, dtype=np.int64) for size in sizes])
    sources = [dataset.splits[name].images for name in names]
    files = [file for name in names for file in dataset.splits[name].files]
    measured, reused = _measure_all(dataset, _Joined(sources), files, use_cache, progress)
    return Survey(
        dataset=dataset,
        splits=splits,
        indices=indices,
        files=files,
        labels=np.concatenate([dataset.splits[name].labels for name in names]),
        facts=measured.facts,
        errors=measured.errors,
        reused=reused,
    )


class _Joined:
    """The images of all splits in one row; nothing is copied."""

    def __init__(self, parts: Sequence[Sequence[ImageSource] | np.ndarray]) -> None:
        self._parts = parts
        self._starts = np.cumsum([0, *(len(part) for part in parts)])

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, index: int) -> ImageSource:
        part = int(np.searchsorted(self._starts, index, side="right")) - 1
        source: ImageSource = self._parts[part][index - int(self._starts[part])]
        return source


def _measure_all(
    dataset: Dataset, sources: _Joined, files: Sequence[str], use_cache: bool, progress: OnProgress
) -> tuple[Measured, int]:
    facts = np.zeros(len(sources), FACTS)
    errors: dict[int, tuple[str, str]] = {}
    keys = np.zeros(len(sources), np.uint64)
    missing = np.arange(len(sources))
    path = cache_file(dataset)
    if use_cache:
        keys[:] = [cache_key(sources[row]) for row in range(len(sources))]
        missing = _take_from_cache(path, keys, facts, errors)
    unsaved = 0
    for rows, part in _measured_chunks(sources, files, missing, progress):
        facts[rows] = part.facts
        errors.update({int(rows[row]): why for row, why in part.errors.items()})
        unsaved += len(rows)
        if use_cache and unsaved >= _SAVE_EVERY:
            save_cache(path, np.where(facts["width"] > 0, keys, 0), Measured(facts, errors))
            unsaved = 0
    if use_cache and unsaved:
        save_cache(path, keys, Measured(facts, errors))
    return Measured(facts, errors), len(sources) - len(missing)


def _take_from_cache(
    path: Path, keys: np.ndarray, facts: np.ndarray, errors: dict[int, tuple[str, str]]
) -> np.ndarray:
    """Fill in what the cache knows and return the rows that it does not."""
    cache = load_cache(path)
    if not len(cache.keys):
        return np.arange(len(keys))
    place = np.searchsorted(cache.keys, keys).clip(max=len(cache.keys) - 1)
    known = (cache.keys[place] == keys) & (keys != 0)
    facts[known] = cache.measured.facts[place[known]]
    stored = cache.measured.errors
    errors.update(
        {int(row): stored[int(place[row])] for row in np.flatnonzero(known) if int(place[row]) in stored}
    )
    return np.flatnonzero(~known)


def _measured_chunks(
    sources: _Joined, files: Sequence[str], rows: np.ndarray, progress: OnProgress
) -> Iterator[tuple[np.ndarray, Measured]]:
    """Measure the rows in threads: Pillow decodes and NumPy counts outside Python's lock."""
    chunks = [rows[start : start + _CHUNK] for start in range(0, len(rows), _CHUNK)]

    def measure(chunk: np.ndarray) -> Measured:
        return measure_images([sources[row] for row in chunk], [files[row] for row in chunk])

    done = 0
    pool = ThreadPoolExecutor(max_workers=_threads())
    try:
        for chunk, measured in zip(chunks, pool.map(measure, chunks), strict=True):
            done += len(chunk)
            if progress:
                progress(Progress("Reading images", done=done, total=len(rows)))
            yield chunk, measured
    finally:  # Control-C must not wait for the chunks that nobody will read
        pool.shutdown(wait=False, cancel_futures=True)


def _threads() -> int:
    return max(2, cores())
