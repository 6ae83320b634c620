"""What is measured before the first request: which batch is fastest, and whether bf16 may be used."""

import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from PIL import Image

from imgclf.inference import Predictor

_CAPS = {"cpu": (1, 2, 4, 8), "other": (8, 16, 32, 64)}
_WORTH_IT = 0.97  # a larger batch must save 3 % an image: it delays the first of its answers
_WORTH_ROUNDING = 0.9  # bf16 must save 10 %
_BUDGET_SECONDS = 5.0
_TRIALS = 3
_PROBES = 32
_SAME = 0.02


@dataclass(frozen=True)
class Pace:
    """How fast a predictor is at its best.

    Attributes:
        batch: images computed at once.
        seconds: for each image, with all threads at work.
    """

    batch: int
    seconds: float


def pace_of(predictor: Predictor, threads: int, batch: int = 0) -> Pace:
    """Measure batches of growing size as long as they gain, with all threads at work as under load.

    A large batch hurts on a CPU: its activations fall out of the cache, which the threads share.

    Args:
        predictor: computes.
        threads: that compute at the same time, each with one thread of its own.
        batch: the only size to be measured; 0 tries several.
    """
    sizes = (batch,) if batch else _CAPS["cpu" if predictor.device == "cpu" else "other"]
    begun = time.perf_counter()
    with ThreadPoolExecutor(threads, initializer=predictor.limit_threads, initargs=(1,)) as pool:
        best = _measured(predictor, pool, threads, sizes[0])
        for size in sizes[1:]:
            if time.perf_counter() - begun > _BUDGET_SECONDS:
                break
            larger = _measured(predictor, pool, threads, size)
            if larger.seconds > best.seconds * _WORTH_IT:
                break
            best = larger
    predictor.limit_threads(None)
    return best


def is_worth_rounding(full: Pace, rounded: Pace) -> bool:
    """Say whether bf16 is so much faster that it is worth looking at its answers."""
    return rounded.seconds < full.seconds * _WORTH_ROUNDING


def gives_same_predictions(full: Predictor, rounded: Predictor) -> bool:
    """Say whether rounding changes no probability by more than 0.02, on images made to be difficult.

    The probes are blots of colour of all sizes, which a model finds harder to tell than photographs: a network that
    bf16 harms (0.27 of difference on these, 0.31 on photographs) shows it here, one that it doesn't harm (0.010,
    0.026) does so too.
    """
    probes = _probes(full)
    with ThreadPoolExecutor(1, initializer=full.limit_threads, initargs=(1,)) as pool:
        expected = np.concatenate(list(pool.map(full.probabilities, probes)))
        found = np.concatenate(list(pool.map(rounded.probabilities, probes)))
    full.limit_threads(None)
    return bool(np.abs(expected - found).max() <= _SAME)  # not so where one of them is not a number


def _measured(predictor: Predictor, pool: ThreadPoolExecutor, threads: int, size: int) -> Pace:
    spec = predictor.header.preprocessing
    batch = np.full((size, *spec.image_size, spec.channels), 128, np.uint8)
    times = []
    for _ in range(1 + _TRIALS):  # the first pays for what is prepared once
        start = time.perf_counter()
        list(pool.map(predictor.probabilities, [batch] * threads))
        times.append(time.perf_counter() - start)
    return Pace(size, min(times[1:]) / (size * threads))


def _probes(predictor: Predictor) -> list[np.ndarray]:
    """Return blots as uint8 (4, H, W, C), always the same ones."""
    spec = predictor.header.preprocessing
    random = np.random.default_rng(0)
    mode = "RGB" if spec.channels == 3 else "L"
    size = (spec.image_size[1], spec.image_size[0])
    pixels = []
    for number in range(_PROBES):
        side = 2 + number % 16
        grid = random.integers(0, 256, (side, side, spec.channels), dtype=np.uint8)
        image = Image.frombytes(mode, (side, side), grid.tobytes()).resize(size, Image.Resampling.BICUBIC)
        pixels.append(np.asarray(image).reshape(*spec.image_size, spec.channels))
    return list(np.stack(pixels).reshape(-1, 4, *pixels[0].shape))
