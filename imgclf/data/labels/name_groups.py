"""Groups that the names of files show beyond doubt: copies of one photograph, which no split may tear apart.

- Roboflow's augmented copies: ``name_jpg.rf.0123456789abcdef.jpg``, one name with several hashes.
- A telephone's burst: ``IMG_20260101_101112_BURST003.jpg``.
"""

import re
from collections import Counter
from collections.abc import Sequence

_PATTERNS = (
    re.compile(r"(?P<one>.+)\.rf\.[0-9a-zA-Z]{8,}\.\w+"),
    re.compile(r"(?P<one>.+?)_BURST\d+.*", re.IGNORECASE),
)


def groups_in_names(files: Sequence[str]) -> list[str]:
    """Return a group for each file, an empty text for none; nothing at all where no two files share one.

    >>> groups_in_names(["a/x_jpg.rf.0a1b2c3d4e.jpg", "a/x_jpg.rf.ffee00112233.jpg", "a/y.jpg"])
    ['x_jpg', 'x_jpg', '']
    >>> groups_in_names(["a.jpg", "b.jpg"])
    []
    """
    groups = [_group(file.rpartition("/")[2]) for file in files]
    counts = Counter(group for group in groups if group)
    return groups if counts and max(counts.values()) > 1 else []


def _group(name: str) -> str:
    if ".rf." not in name and "_BURST" not in name.upper():  # Nearly always.
        return ""
    return next((match["one"] for pattern in _PATTERNS if (match := pattern.fullmatch(name))), "")
