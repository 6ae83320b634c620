"""Read the pickled batches of CIFAR without running what a pickle may ask for.

A pickle can name any function to be called. Ours may name the four that rebuild a NumPy array, under the
names that Python 2's NumPy, today's and the ones between gave them, and nothing else.
"""

import pickle
from pathlib import Path
from typing import Any

import numpy as np

from imgclf.errors import DataError
from imgclf.words import first_line

_ALLOWED = {
    ("numpy.core.multiarray", "_reconstruct"),
    ("numpy._core.multiarray", "_reconstruct"),
    ("numpy.core.multiarray", "scalar"),
    ("numpy", "ndarray"),
    ("numpy", "dtype"),
    ("_codecs", "encode"),
}


class _ArraysOnly(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in _ALLOWED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}")
        # NumPy 2 warns where the old name is used.
        return super().find_class(module.replace("numpy.core", "numpy._core"), name)


def read_batch(path: Path, label_key: bytes) -> tuple[np.ndarray, np.ndarray]:
    """Return a batch's images, uint8 (N, 32, 32, 3), and labels, int64 (N,).

    Args:
        path: a file such as ``cifar-10-batches-py/data_batch_1``.
        label_key: ``b"labels"`` or ``b"fine_labels"``.

    Raises:
        DataError: the file is damaged, is no such batch, or asks for more than arrays.
    """
    try:
        with path.open("rb") as file:
            batch = _ArraysOnly(file, encoding="bytes").load()
        pixels = np.asarray(batch[b"data"], dtype=np.uint8).reshape(-1, 3, 32, 32)
        labels = np.asarray(batch[label_key], dtype=np.int64)
    except (
        pickle.UnpicklingError,
        OSError,
        EOFError,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
    ) as error:
        raise DataError(
            f"{path} is no batch of CIFAR images: {first_line(error)}. Remove it to download it again."
        ) from error
    return np.ascontiguousarray(pixels.transpose(0, 2, 3, 1)), labels
