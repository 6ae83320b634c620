"""Write a file so that a reader, a crash or a full disk never meets half of it."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import IO, Any

from imgclf.errors import RunError, beneath
from imgclf.plain import json_text


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any]) -> None:
    """Call ``write`` with a temporary file in the same folder, then rename it over ``path``.

    The old file stays whole until the new one is on the disk.

    Raises:
        RunError: the disk is full or the folder is read-only; the old file is intact.
    """
    try:
        with replacing(path) as file:
            write(file)
    except Exception as error:
        # torch.save turns what the disk said into a RuntimeError of its own.
        refused = beneath(error, OSError)
        if refused is None:
            raise
        raise RunError(
            f"{path}: could not be written ({refused.strerror or refused}); what was there before is intact. "
            f"Free some space or choose another place with --out."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text atomically."""
    write_atomically(path, lambda file: file.write(text.encode("utf-8")))


def write_json(path: Path, value: Any) -> None:
    """Write JSON atomically, UTF-8; a file name's bytes that are no UTF-8 become JSON's own escapes.

    Args:
        path: the file.
        value: records, mappings, lists and plain values; see :func:`imgclf.plain.plain`.

    Raises:
        RunError: the disk is full or the folder is read-only; the old file is intact.
    """
    content = f"{json_text(value)}\n".encode("utf-8", "backslashreplace")
    write_atomically(path, lambda file: file.write(content))


@contextmanager
def replacing(path: Path, *, durable: bool = True) -> Iterator[IO[bytes]]:
    """Yield a temporary file in the same folder and rename it over ``path`` where nothing went wrong meanwhile.

    It is in the same folder because a rename is atomic only inside one file system.

    Args:
        path: the file to be; its folder is made.
        durable: wait until the content is on the disk (fsync before rename); False is enough for a cache, whose
            files are checked when they are read.

    Raises:
        OSError: the disk is full or the folder is read-only; the old file is intact.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    temporary: Path | None = None
    try:
        with NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as file:
            temporary = Path(file.name)
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        temporary.chmod(0o666 & ~_umask())
        temporary.replace(path)
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def _umask() -> int:
    """The process's umask, which can only be read by setting it."""
    mask = os.umask(0)
    os.umask(mask)
    return mask
