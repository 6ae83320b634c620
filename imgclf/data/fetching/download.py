"""Fetch files: with progress, checksums and resumption, and a clear word within seconds where there is no network."""

import hashlib
import http.client
import shutil
import socket
import ssl
import tarfile
import threading
import urllib.error
import urllib.request
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import mkdtemp
from urllib.parse import urlsplit

from imgclf.errors import DownloadError
from imgclf.records import OnProgress, Progress
from imgclf.words import first_line

CONNECT_SECONDS = 5.0
READ_SECONDS = 20.0
ATTEMPTS = 3
_BLOCK = 256 * 1024


@dataclass(frozen=True)
class Remote:
    """A file to fetch.

    Attributes:
        urls: where it is; a mirror is tried when the one before it cannot be reached.
        checksum: ``md5:...`` or ``sha256:...`` in hexadecimal; an empty string where none is published.
    """

    urls: tuple[str, ...]
    checksum: str = ""

    @property
    def name(self) -> str:
        """The file's name: the last part of its address."""
        return urlsplit(self.urls[0]).path.rsplit("/", 1)[-1]


def fetch(remote: Remote, folder: Path, progress: OnProgress = None) -> Path:
    """Fetch a file into ``folder``; one that is there already and has the right checksum stays.

    What arrived of an interrupted download is kept beside it as ``NAME.part`` and continued next time.

    Raises:
        DownloadError: the host cannot be reached, the connection broke, the checksum differs, or the disk is full.
    """
    target = folder / remote.name
    if target.is_file() and _checksum_fits(target, remote.checksum):
        return target
    part = target.with_name(f"{target.name}.part")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for last_try in (False, True):
            resumed = part.exists()
            _from_any(remote.urls, part, target, progress)
            if _checksum_fits(part, remote.checksum):
                part.replace(target)
                return target
            part.unlink()
            # What was resumed may have been of another file: once more, from the start.
            if last_try or not resumed:
                break
    except OSError as error:
        raise DownloadError(
            f"{target} could not be written: {error.strerror or error}. Free some space or choose another place with "
            f"--data-dir."
        ) from error
    raise DownloadError(
        f"{remote.urls[0]} arrived with a wrong checksum (expected {remote.checksum}) and was thrown away. Try again "
        f"later, or put the right file at {target}."
    )


def fetch_archive(remote: Remote, folder: Path, progress: OnProgress = None) -> None:
    """Fetch a .tar.gz or .zip archive, unpack it into ``folder``, and remove the archive.

    It is unpacked beside its place and moved there when complete, so that a half-unpacked set is never met.

    Raises:
        DownloadError: as :func:`fetch`, or the archive is damaged.
    """
    archive = fetch(remote, folder, progress)
    unpacked = Path(mkdtemp(dir=folder, prefix=".unpacking-"))
    try:
        if progress:
            progress(Progress(f"Unpacking {archive.name}", 0, None))
        _unpack(archive, unpacked)
        for entry in sorted(unpacked.iterdir()):
            shutil.rmtree(folder / entry.name, ignore_errors=True)
            entry.replace(folder / entry.name)
    except (tarfile.TarError, zipfile.BadZipFile, EOFError, OSError) as error:
        raise DownloadError(
            f"{archive} could not be unpacked: {first_line(error)}. Remove it and try again."
        ) from error
    finally:
        shutil.rmtree(unpacked, ignore_errors=True)
    archive.unlink()


def check_reachable(url: str, target: Path) -> None:
    """Raise :class:`DownloadError` within a few seconds where the host of ``url`` cannot be reached.

    Connecting alone would not do: looking up a name has no time limit of its own.
    """
    address = urlsplit(urllib.request.getproxies().get(urlsplit(url).scheme, "") or url)
    if urllib.request.proxy_bypass(urlsplit(url).hostname or ""):
        address = urlsplit(url)
    port = address.port or (443 if address.scheme == "https" else 80)
    failure: list[OSError] = [TimeoutError(f"no answer within {CONNECT_SECONDS:g} seconds")]

    def connect() -> None:
        try:
            socket.create_connection((address.hostname or "", port), timeout=CONNECT_SECONDS).close()
            failure.clear()
        except OSError as error:
            failure[:] = [error]

    attempt = threading.Thread(target=connect, daemon=True)
    attempt.start()
    attempt.join(CONNECT_SECONDS)
    reasons = failure.copy()  # The thread may still be at it.
    if reasons:
        raise _unreachable(url, target, reasons[0]) from reasons[0]


def retrieve(url: str, part: Path, target: Path, progress: OnProgress = None) -> None:
    """Fetch ``url`` into ``part``, continuing what is there where the server can; ``target`` is for messages.

    Raises:
        DownloadError: the host cannot be reached, answers with an error, or the connection keeps breaking.
        OSError: the file cannot be written.
    """
    check_reachable(url, target)
    broken: Exception | None = None
    for _ in range(ATTEMPTS):
        try:
            return _continue(url, part, target.name, progress)
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 416:  # What is there is as long as the file, or longer: start again.
                part.unlink(missing_ok=True)
                continue
            raise DownloadError(
                f"{url} answered '{error.code} {error.reason}'. It may have moved: put the file at {target} by hand."
            ) from error
        except (
            urllib.error.URLError,
            http.client.HTTPException,
            ConnectionError,
            TimeoutError,
            ssl.SSLError,
        ) as error:
            broken = error
    size = part.stat().st_size if part.exists() else 0
    raise DownloadError(
        f"The connection to {urlsplit(url).hostname} broke {ATTEMPTS} times ({broken}); {size:,} bytes of {target.name} "
        f"are kept. Run the same command again to continue."
    ) from broken


def _from_any(urls: Sequence[str], part: Path, target: Path, progress: OnProgress) -> None:
    for number, url in enumerate(urls, start=1):
        try:
            retrieve(url, part, target, progress)
            return
        except DownloadError:
            if number == len(urls):
                raise


def _continue(url: str, part: Path, name: str, progress: OnProgress) -> None:
    """Send one request for what is missing and append the answer to ``part``."""
    done = part.stat().st_size if part.exists() else 0
    request = urllib.request.Request(url, headers={"User-Agent": "imgclf"})
    if done:
        request.add_header("Range", f"bytes={done}-")
    with urllib.request.urlopen(request, timeout=READ_SECONDS) as answer:
        if answer.status != 206:  # The server sends all of it, whatever was asked for.
            done = 0
        length = answer.headers.get("Content-Length")
        total = done + int(length) if length else None
        with part.open("ab" if done else "wb") as file:
            while block := answer.read(_BLOCK):
                file.write(block)
                done += len(block)
                if progress:
                    progress(Progress(f"Downloading {name}", done, total, _megabytes(done, total)))
    if total is not None and done < total:
        raise http.client.IncompleteRead(b"", total - done)


def _megabytes(done: int, total: int | None) -> str:
    return f"{done / 1e6:.1f} of {total / 1e6:.1f} MB" if total else f"{done / 1e6:.1f} MB"


def _checksum_fits(path: Path, checksum: str) -> bool:
    if not checksum:
        return True
    kind, _, expected = checksum.partition(":")
    with path.open("rb") as file:
        return (
            hashlib.file_digest(file, lambda: hashlib.new(kind, usedforsecurity=False)).hexdigest()
            == expected
        )


def _unpack(archive: Path, folder: Path) -> None:
    """Unpack, refusing what would land outside ``folder`` (tarfile's "data" filter; zipfile drops such parts)."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as packed:
            packed.extractall(folder)
    else:
        with tarfile.open(archive) as packed_tar:
            packed_tar.extractall(folder, filter="data")


def _unreachable(url: str, target: Path, reason: OSError) -> DownloadError:
    return DownloadError(
        f"{urlsplit(url).hostname} cannot be reached ({reason.strerror or reason}), so {url} was not downloaded. Without "
        f"a network, put the file at {target}, or name the folder that has the data with --data-dir."
    )
