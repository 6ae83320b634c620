"""Downloads, against a real server on this machine: resumed, checked, and refused with a sentence."""

import errno
import hashlib
import io
import re
import tarfile
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from imgclf.data.fetching import download
from imgclf.data.fetching.download import Remote, fetch, fetch_archive
from imgclf.errors import DownloadError
from imgclf.records import Progress

CONTENT = bytes(range(256)) * 4096  # 1 MiB
MD5 = "md5:" + hashlib.md5(CONTENT, usedforsecurity=False).hexdigest()


@dataclass
class Site:
    """A server's files and manners, and what it was asked."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=lambda: {"/set.bin": CONTENT})
    break_after: list[int] = field(
        default_factory=list
    )  # bytes sent of each answer before the connection breaks
    ranges: bool = True
    asked: list[str] = field(default_factory=list)


@pytest.fixture
def site() -> Iterator[Site]:
    """A web server that can break off and resume."""
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked = self.headers.get("Range", "")
            site.asked.append(asked)
            content = site.files.get(self.path)
            if content is None:
                return self.send_error(404)
            start = int(asked.removeprefix("bytes=").removesuffix("-")) if asked and site.ranges else 0
            if start >= len(content):
                return self.send_error(416)
            self.send_response(206 if start else 200)
            self.send_header("Content-Length", str(len(content) - start))
            self.end_headers()
            sent = content[start:]
            self.wfile.write(sent[: site.break_after.pop(0)] if site.break_after else sent)
            return None

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield site
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(autouse=True)
def _no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("no_proxy", "*")


def remote(site: Site, checksum: str = MD5) -> Remote:
    """The server's one file."""
    return Remote((f"{site.url}/set.bin",), checksum)


def test_file_arrives_with_progress(site: Site, tmp_path: Path) -> None:
    """Whole, under its own name, in a folder that is made; the last report is the total."""
    reports: list[Progress] = []
    path = fetch(remote(site), tmp_path / "new" / "folder", reports.append)
    assert path == tmp_path / "new" / "folder" / "set.bin"
    assert path.read_bytes() == CONTENT
    assert reports[-1] == Progress("Downloading set.bin", 2**20, 2**20, "1.0 of 1.0 MB")
    assert [entry.name for entry in path.parent.iterdir()] == ["set.bin"]


def test_file_that_is_there_is_not_fetched_again(site: Site, tmp_path: Path) -> None:
    """Its checksum tells; a damaged one is replaced."""
    (tmp_path / "set.bin").write_bytes(CONTENT)
    fetch(remote(site), tmp_path)
    assert site.asked == []
    (tmp_path / "set.bin").write_bytes(CONTENT[:-1])
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT


def test_broken_connection_is_continued(site: Site, tmp_path: Path) -> None:
    """The second request asks for the rest only."""
    site.break_after = [300_000]
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT
    assert site.asked == ["", "bytes=300000-"]


def test_interrupted_download_is_continued_by_the_next_call(site: Site, tmp_path: Path) -> None:
    """What was kept counts."""
    (tmp_path / "set.bin.part").write_bytes(CONTENT[:500_000])
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT
    assert site.asked == ["bytes=500000-"]


def test_server_that_cannot_continue_starts_over(site: Site, tmp_path: Path) -> None:
    """An answer with the whole file replaces what was kept."""
    site.ranges = False
    (tmp_path / "set.bin.part").write_bytes(b"x" * 500_000)
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("kept", [b"x" * 1000, b"x" * 2**20, b"x" * 2**21])
def test_what_was_kept_of_another_file_is_thrown_away(site: Site, tmp_path: Path, kept: bytes) -> None:
    """Shorter, as long or longer than the file: the checksum or the server tells."""
    (tmp_path / "set.bin.part").write_bytes(kept)
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT


def test_wrong_checksum_is_an_error(site: Site, tmp_path: Path) -> None:
    """Nothing of it stays."""
    expected = "sha256:" + "0" * 64
    with pytest.raises(DownloadError) as caught:
        fetch(remote(site, expected), tmp_path)
    assert str(caught.value) == (
        f"{site.url}/set.bin arrived with a wrong checksum (expected {expected}) and was thrown away. Try again later, "
        f"or put the right file at {tmp_path}/set.bin."
    )
    assert list(tmp_path.iterdir()) == []


def test_connection_that_keeps_breaking_is_an_error(site: Site, tmp_path: Path) -> None:
    """What arrived is kept for the next time, and the message says so."""
    site.break_after = [100_000] * 3
    with pytest.raises(DownloadError) as caught:
        fetch(remote(site), tmp_path)
    assert re.fullmatch(
        r"The connection to 127\.0\.0\.1 broke 3 times \(.*\); 300,000 bytes of set\.bin are kept\. Run the same "
        r"command again to continue\.",
        str(caught.value),
    )
    assert fetch(remote(site), tmp_path).read_bytes() == CONTENT


def test_address_that_moved_is_an_error(site: Site, tmp_path: Path) -> None:
    """The server's answer is quoted."""
    site.files.clear()
    with pytest.raises(DownloadError) as caught:
        fetch(remote(site), tmp_path)
    assert str(caught.value) == (
        f"{site.url}/set.bin answered '404 Not Found'. It may have moved: put the file at {tmp_path}/set.bin by hand."
    )


def test_host_that_is_down_is_an_error(tmp_path: Path) -> None:
    """The message names the host and what to do without a network."""
    with pytest.raises(DownloadError) as caught:
        fetch(Remote(("http://127.0.0.1:9/set.bin",)), tmp_path)
    assert str(caught.value) == (
        f"127.0.0.1 cannot be reached (Connection refused), so http://127.0.0.1:9/set.bin was not downloaded. Without a "
        f"network, put the file at {tmp_path}/set.bin, or name the folder that has the data with --data-dir."
    )


def test_silent_network_is_an_error_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking up a name may hang for minutes; nobody waits for it."""
    never = threading.Event()

    def hang(*_: object, **__: object) -> None:
        never.wait()
        raise OSError

    monkeypatch.setattr(download, "CONNECT_SECONDS", 0.05)
    monkeypatch.setattr(download.socket, "create_connection", hang)
    with pytest.raises(
        DownloadError, match=r"^example\.org cannot be reached \(no answer within 0\.05 seconds\), so "
    ):
        fetch(Remote(("http://example.org/set.bin",)), tmp_path)
    never.set()


def test_mirror_steps_in(site: Site, tmp_path: Path) -> None:
    """Where the first address cannot be reached."""
    both = Remote(("http://127.0.0.1:9/set.bin", f"{site.url}/set.bin"), MD5)
    assert fetch(both, tmp_path).read_bytes() == CONTENT


def test_proxy_is_what_has_to_be_reached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Behind a proxy the host's own name may mean nothing."""
    monkeypatch.delenv("no_proxy")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"^nowhere\.invalid cannot be reached \(Connection refused\)"):
        fetch(Remote(("http://nowhere.invalid/set.bin",)), tmp_path)


def test_folder_that_cannot_be_written_is_an_error(site: Site, tmp_path: Path) -> None:
    """Here a file stands in the way."""
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(DownloadError) as caught:
        fetch(remote(site), tmp_path / "file" / "set")
    assert str(caught.value) == (
        f"{tmp_path}/file/set/set.bin could not be written: Not a directory. Free some space or choose another place "
        f"with --data-dir."
    )


def test_full_disk_is_an_error(site: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk fills up in mid-file."""

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(
        DownloadError, match=r"set\.bin could not be written: No space left on device\. Free some space"
    ):
        fetch(remote(site), tmp_path, full)


def archive(kind: str, files: dict[str, bytes]) -> bytes:
    """Return a .tar.gz or .zip with these files."""
    buffer = io.BytesIO()
    if kind == "zip":
        with zipfile.ZipFile(buffer, "w") as packed:
            for name, content in files.items():
                packed.writestr(name, content)
    else:
        with tarfile.open(fileobj=buffer, mode="w:gz") as packed_tar:
            for name, content in files.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(content)
                packed_tar.addfile(entry, io.BytesIO(content))
    return buffer.getvalue()


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
def test_archive_is_unpacked_and_removed(site: Site, tmp_path: Path, kind: str) -> None:
    """What lay there half unpacked is replaced."""
    site.files[f"/set.{kind}"] = archive(kind, {"set/a.txt": b"1", "set/b/c.txt": b"2"})
    (tmp_path / "set").mkdir()
    (tmp_path / "set" / "old").write_bytes(b"")
    fetch_archive(Remote((f"{site.url}/set.{kind}",)), tmp_path)
    found = sorted(path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file())
    assert found == ["set/a.txt", "set/b/c.txt"]


def test_damaged_archive_is_an_error(site: Site, tmp_path: Path) -> None:
    """Nothing half unpacked stays behind."""
    site.files["/set.tar.gz"] = archive("tar.gz", {"set/a.txt": CONTENT})[:-300]
    with pytest.raises(DownloadError) as caught:
        fetch_archive(Remote((f"{site.url}/set.tar.gz",)), tmp_path)
    assert re.fullmatch(
        r".*set\.tar\.gz could not be unpacked: .*\. Remove it and try again\.", str(caught.value)
    )
    assert [path.name for path in tmp_path.iterdir()] == ["set.tar.gz"]


def test_archive_cannot_write_elsewhere(site: Site, tmp_path: Path) -> None:
    """A name that climbs out of the folder is refused."""
    site.files["/set.tar.gz"] = archive("tar.gz", {"../../evil.txt": b"x"})
    with pytest.raises(DownloadError, match=r"could not be unpacked: .*outside the destination"):
        fetch_archive(Remote((f"{site.url}/set.tar.gz",)), tmp_path / "a" / "b")
    assert not list(tmp_path.rglob("evil.txt"))
