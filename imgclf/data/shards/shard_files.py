"""Where shards lie: files and http(s) addresses, several of them as one pattern; read a part of one.

shards/train-{000000..000009}.tar
https://example.org/{train,test}-{00..31}.tar
first.tar::second.tar
"""

import re
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlsplit

from imgclf.data.images.names import display_name
from imgclf.errors import DataError, DownloadError, ImageError
from imgclf.words import first_line

_SECONDS = 30.0
_PAUSES = (0.5, 2.0)  # seconds before the second and third attempt to read a part


def is_pattern(spec: str) -> bool:
    """Say whether ``--data`` names shards rather than one path: braces, an address, or several joined by ``::``."""
    return any(
        part.startswith(("http://", "https://", "pipe:")) or re.search(r"\{.+\}.*\.tar$", part)
        for part in spec.split("::")
    )


def absolute_pattern(spec: str) -> str:
    """Return the pattern with its paths made absolute; addresses stay as they are."""
    parts = (part if is_url(part) else str(Path(part).expanduser().absolute()) for part in spec.split("::"))
    return "::".join(parts)


def expand(spec: str) -> list[str]:
    """Return the shards that a pattern names, in order.

    >>> expand("{train,val}-{08..10}.tar")
    ['train-08.tar', 'train-09.tar', 'train-10.tar', 'val-08.tar', 'val-09.tar', 'val-10.tar']

    Raises:
        DataError: it names a command, which is never run, or a file that is not there.
    """
    shards = [shard for part in spec.split("::") for shard in _without_braces(part)]
    for shard in shards:
        if shard.startswith("pipe:"):
            raise DataError(
                f"'{display_name(shard)}' names a command, and --data runs none. Give files, or http(s) addresses."
            )
    return shards


def is_url(shard: str) -> bool:
    """Say whether a shard lies on a web server."""
    return shard.startswith(("http://", "https://"))


def path_of(shard: str) -> Path:
    """Return the path of a shard, or the path part of its address: what tells its split and name."""
    return Path(urlsplit(shard).path if is_url(shard) else shard)


def stamp_of(shard: str) -> str:
    """Return a line that changes when the shard does: place, size, and time or version.

    Raises:
        DataError: there is no such file.
        DownloadError: the server does not give it.
    """
    if is_url(shard):
        with _answer(shard, method="HEAD") as answer:
            names = ("Content-Length", "ETag", "Last-Modified")
            return " ".join([shard, *(str(answer.headers.get(name)) for name in names)])
    path = Path(shard)
    try:
        status = path.stat()
    except OSError as error:
        raise DataError(f"{display_name(path)}: this shard cannot be read ({error.strerror}).") from None
    return f"{path.absolute()} {status.st_size} {status.st_mtime_ns}"


@contextmanager
def opened(shard: str) -> Iterator[IO[bytes]]:
    """Open a shard to read it from its beginning; a file can also be sought in.

    Raises:
        DataError, DownloadError: as :func:`stamp_of`.
    """
    if is_url(shard):
        with _answer(shard) as answer:
            yield answer
            while answer.read(1 << 20):
                pass
            if answer.length:
                raise DownloadError(
                    f"{shard}: the connection ended {answer.length:,} bytes before the shard did."
                )
    else:
        with Path(shard).open("rb") as file:
            yield file


def read_part(shard: str, offset: int, size: int, name: str) -> bytes:
    """Return ``size`` bytes of a shard.

    Raises:
        ImageError: they cannot be read.
    """
    try:
        if is_url(shard):
            return _fetched_part(shard, offset, size)
        with Path(shard).open("rb") as file:
            file.seek(offset)
            return file.read(size)
    except (OSError, DownloadError) as error:
        raise ImageError(name, f"cannot be read from its shard ({first_line(error)})", "unreadable") from None


def _fetched_part(url: str, offset: int, size: int) -> bytes:
    if size == 0:
        return b""
    for pause in (*_PAUSES, None):
        try:
            with _answer(url, headers={"Range": f"bytes={offset}-{offset + size - 1}"}) as answer:
                if answer.status != 206:
                    raise DownloadError(
                        f"{url}: the server gives no parts of files (HTTP {answer.status}, not 206)"
                    )
                content: bytes = answer.read()
                return content
        except (DownloadError, OSError, HTTPException) as error:
            if pause is None or "no parts of files" in str(error):
                raise DownloadError(str(error)) from None
            time.sleep(pause)
    raise AssertionError("unreachable")


def _answer(url: str, method: str = "GET", headers: dict[str, str] | None = None) -> Any:
    request = urllib.request.Request(url, method=method, headers={"User-Agent": "imgclf", **(headers or {})})
    try:
        return urllib.request.urlopen(request, timeout=_SECONDS)
    except (OSError, HTTPException, ValueError) as error:
        raise DownloadError(f"{url}: this shard cannot be fetched ({first_line(error)}).") from None


def _without_braces(pattern: str) -> list[str]:
    """Replace ``{a..b}`` and ``{x,y}`` as a shell does."""
    found = re.search(r"\{([^{}]*)\}", pattern)
    if found is None:
        return [pattern]
    numbers = re.fullmatch(r"(\d+)\.\.(\d+)", found[1])
    if numbers:
        first, last = int(numbers[1]), int(numbers[2])
        words = [str(number).zfill(len(numbers[1])) for number in range(first, last + 1)]
    else:
        words = found[1].split(",")
    before, after = pattern[: found.start()], pattern[found.end() :]
    return [shard for word in words for shard in _without_braces(before + word + after)]
