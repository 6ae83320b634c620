"""Memory that large images took, given back: glibc keeps what was freed, hundreds of megabytes for each thread."""

import ctypes
from functools import cache
from typing import Any

LARGE_PIXELS = 2_000_000
"""Of an image after which it is worth the call; a smaller one takes a few megabytes."""


def give_back() -> None:
    """Return freed memory to the system; a fifth of a millisecond where there is none.

    https://man7.org/linux/man-pages/man3/malloc_trim.3.html; nothing happens where the C library has no such call.
    """
    trim = _malloc_trim()
    if trim is not None:
        trim(0)


@cache
def _malloc_trim() -> Any:
    try:
        return ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError, TypeError):  # macOS, musl, Windows
        return None
