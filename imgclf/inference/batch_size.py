"""How many images to compute at once: measured on the first ones of the real work, so that nothing is wasted."""

import math
import threading
from collections import Counter
from typing import Literal, TypeAlias, final

BatchSize: TypeAlias = int | Literal["auto"]

# A large batch hurts on a CPU: its activations fall out of the cache, and from 32 MB on each layer asks the kernel anew
# for memory: mobilenetv2_100 takes 7.3 ms an image in batches of 4 and 11 in batches of 16 (ONNX Runtime).
_SIZES = {"cpu": (1, 2, 4, 8), "other": (16, 32, 64, 128, 256)}
_TRIALS = 3
_WORTH_IT = 0.97  # a larger batch must save 3 % to be preferred: it delays answers and costs memory


@final
class BatchSizer:
    """Hands out batch sizes: each candidate a few times, then the one that was fastest per image.

    Args:
        device: ``cpu``, or anything else for an accelerator.
        fixed: a size that the caller insists on; nothing is measured then.
    """

    def __init__(self, device: str, fixed: BatchSize = "auto") -> None:
        sizes = _SIZES["cpu" if device == "cpu" else "other"] if fixed == "auto" else (fixed,)
        self._plan = [size for size in sizes for _ in range(_TRIALS)] if len(sizes) > 1 else []
        # No list of all times: a million images would fill it.
        self._trials: Counter[int] = Counter()
        self._best_seconds: dict[int, float] = {}
        self._size = sizes[len(sizes) // 2]
        self._lock = threading.Lock()

    def next_size(self) -> int:
        """Return the size of the next batch."""
        with self._lock:
            return self._plan.pop(0) if self._plan else self._size

    def record(self, size: int, seconds: float) -> None:
        """Take note of what a batch of ``size`` images took to compute."""
        with self._lock:
            self._trials[size] += 1
            self._best_seconds[size] = min(seconds / size, self._best_seconds.get(size, math.inf))
            if not self._plan:
                self._size = self._fastest()

    def _fastest(self) -> int:
        # The first batch of a size pays for its preparation (oneDNN primitives, cuDNN plans): take the best.
        best = {size: took for size, took in self._best_seconds.items() if self._trials[size] >= _TRIALS}
        chosen = min(best, default=self._size)
        for size in sorted(best):
            if best[size] < best[chosen] * _WORTH_IT:
                chosen = size
        return chosen
