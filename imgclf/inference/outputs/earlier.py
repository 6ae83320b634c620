"""What a file of predictions already holds, in eight bytes a name: a million names take 60 MB, not 300."""

import os
from collections.abc import Mapping
from hashlib import blake2b
from pathlib import Path
from typing import Any, final

from imgclf.errors import UsageError


@final
class Earlier:
    """The rows that an interrupted or earlier call has written.

    Args:
        path: the file they are in, for messages.
        model: fingerprint of the model that is about to continue it.
    """

    def __init__(self, path: Path, model: str) -> None:
        self._path = path
        self._model = model
        self._names: set[int] = set()
        self.unreadable = 0

    def __len__(self) -> int:
        return len(self._names)

    def __contains__(self, name: str) -> bool:
        return _digest(name) in self._names

    def add(self, row: Mapping[str, Any]) -> None:
        """Take note of a row: its ``file``, ``error`` and ``model``.

        Raises:
            UsageError: another model wrote it.
        """
        if row.get("model") != self._model:
            raise UsageError(
                f"{self._path}: holds the answers of another model (fingerprint {row.get('model')}, this one is "
                f"{self._model}). Give another --output, or start it anew with --overwrite."
            )
        self._names.add(_digest(row["file"]))
        self.unreadable += bool(row.get("error"))


def _digest(name: str) -> int:
    """``photos/a.jpg`` and ``./photos/a.jpg`` are one image."""
    name = os.path.normpath(name)
    return int.from_bytes(blake2b(name.encode("utf-8", "surrogateescape"), digest_size=8).digest())
