"""Atomic writing: the old file is whole until the new one is."""

import errno
import os
import re
import resource
from pathlib import Path
from typing import IO

import pytest
import torch

from imgclf.atomic import replacing, write_atomically, write_text
from imgclf.errors import RunError


def test_text_replaces_what_was_there(tmp_path: Path) -> None:
    """The folder is made, and no temporary file stays behind."""
    file = tmp_path / "new" / "a.txt"
    write_text(file, "one")
    write_text(file, "zwei ü")
    assert file.read_text(encoding="utf-8") == "zwei ü"
    assert list(file.parent.iterdir()) == [file]


def test_full_disk_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """The message says so, and what to do."""
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def fill(stream: IO[bytes]) -> None:
        stream.write(b"half of the n")
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    sentence = (
        f"{file}: could not be written (No space left on device); what was there before is intact. "
        "Free some space or choose another place with --out."
    )
    with pytest.raises(RunError, match=f"^{re.escape(sentence)}$"):
        write_atomically(file, fill)
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_full_disk_is_known_beneath_the_words_of_torch(tmp_path: Path) -> None:
    """A RuntimeError about positions in a file is what torch.save makes of it."""
    file = tmp_path / "a.ckpt"
    write_text(file, "old")

    def save(stream: IO[bytes]) -> None:
        torch.save({"weights": torch.zeros(50_000)}, stream)

    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, before[1]))
    try:
        with pytest.raises(
            RunError, match=r"a\.ckpt: could not be written \(File too large\); what was there"
        ):
            write_atomically(file, save)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_interruption_leaves_the_old_file_whole(tmp_path: Path) -> None:
    """Whatever the writer raises passes through."""
    file = tmp_path / "a.txt"
    write_text(file, "old")

    def stop(stream: IO[bytes]) -> None:
        stream.write(b"half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_atomically(file, stop)
    assert file.read_text(encoding="utf-8") == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_new_file_has_the_usual_permissions(tmp_path: Path) -> None:
    """A temporary file is readable by its owner only; what it becomes follows the umask."""
    before = os.umask(0o022)
    try:
        write_text(tmp_path / "a.txt", "x")
    finally:
        os.umask(before)
    assert (tmp_path / "a.txt").stat().st_mode & 0o777 == 0o644


def test_cache_file_is_replaced_as_a_whole_or_not_at_all(tmp_path: Path) -> None:
    """A writer that fails leaves neither half a file nor a temporary one, however long the name is."""
    file = tmp_path / ("long" * 60)
    with pytest.raises(TypeError), replacing(file, durable=False) as stream:
        stream.write("text where bytes are due")  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []
    with replacing(file, durable=False) as stream:
        stream.write(b"whole")
    assert file.read_bytes() == b"whole"
    assert list(tmp_path.iterdir()) == [file]
