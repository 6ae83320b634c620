"""The IDX format of MNIST and its descendants: a header of sizes, then raw numbers.

http://yann.lecun.com/exdb/mnist/ describes it: two zero bytes, the type (8 is uint8), the number of
dimensions, each dimension's size as big-endian uint32, the values.
"""

import gzip
import math
import zlib
from pathlib import Path

import numpy as np

from imgclf.errors import DataError
from imgclf.words import first_line

_UINT8 = 8


def find_idx(folder: Path, name: str) -> Path | None:
    """Return ``folder/name``, or ``folder/name.gz``, or None where there is neither."""
    return next((path for path in (folder / name, folder / f"{name}.gz") if path.is_file()), None)


def read_idx(path: Path) -> np.ndarray:
    """Return the file's uint8 array; ``.gz`` is unpacked on the way.

    Raises:
        DataError: the file is no IDX file of bytes, or it is cut short.
    """
    try:
        content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    except (OSError, EOFError, zlib.error) as error:
        raise DataError(
            f"{path} cannot be read: {first_line(error)}. Remove it to download it again."
        ) from error
    start = 4 + 4 * content[3] if len(content) >= 4 else 4
    if len(content) < start or content[:2] != b"\0\0" or content[2] != _UINT8:
        raise DataError(f"{path} is no IDX file of bytes. Remove it to download it again.")
    shape = tuple(int(size) for size in np.frombuffer(content[4:start], dtype=">u4"))
    if len(content) - start != math.prod(shape):
        raise DataError(
            f"{path} is damaged: its header promises {math.prod(shape):,} values of shape {shape}, it holds "
            f"{len(content) - start:,}. Remove it to download it again."
        )
    return np.frombuffer(content, dtype=np.uint8, offset=start).reshape(shape)
