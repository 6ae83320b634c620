"""What a tar shard of WebDataset holds and where: read once from its headers, then kept beside the other caches.

Members whose names agree up to the first dot are one sample: ``cat/0001.jpg`` with ``cat/0001.cls`` (a number or a
name) or ``cat/0001.json`` (with a key such as ``label``). Where neither is there, the folder is the label.
"""

import contextlib
import hashlib
import json
import tarfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Any

from imgclf.atomic import replacing
from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name
from imgclf.data.labels.columns import LABEL
from imgclf.data.labels.split_words import SPLIT_WORDS
from imgclf.data.loading.decoded_cache import default_cache_dir
from imgclf.data.shards.shard_files import is_url, opened, stamp_of
from imgclf.errors import DataError

_FORMAT = 1
_LABEL_KEYS = ("cls", *LABEL)


@dataclass(frozen=True)
class ShardIndex:
    """The images of one shard, in its order.

    Attributes:
        stamp: place, size, and time or version of the shard.
        names: of the members.
        offsets: where each begins, in bytes.
        sizes: in bytes.
        labels: as written; empty where a sample has none.
        damage: why the rest of the shard could not be read, or empty.
    """

    stamp: str
    names: tuple[str, ...]
    offsets: tuple[int, ...]
    sizes: tuple[int, ...]
    labels: tuple[str, ...]
    damage: str = ""


def index_of(shard: str) -> ShardIndex:
    """Return the index of a shard; from the cache, if it has not changed since it was read.

    Raises:
        DataError: there is no such shard, or it is no tar file, or a compressed one.
        DownloadError: a server does not give it.
    """
    stamp = stamp_of(shard)
    key = hashlib.blake2b(f"{_FORMAT} {stamp}".encode("utf-8", "surrogateescape"), digest_size=16)
    kept = default_cache_dir() / "shards" / f"{key.hexdigest()}.json"
    try:
        return ShardIndex(
            **{name: _frozen(value) for name, value in json.loads(kept.read_text("utf-8")).items()}
        )
    except (OSError, ValueError, TypeError, AttributeError):
        pass
    index = _read(shard, stamp)
    # A convenience: without it the headers are read again.
    with contextlib.suppress(OSError), replacing(kept, durable=False) as file:
        file.write(json.dumps(index.__dict__).encode())
    return index


def _read(shard: str, stamp: str) -> ShardIndex:
    samples: dict[str, _Sample] = {}
    damage = ""
    shown = shard if is_url(shard) else display_name(shard)
    with opened(shard) as file:
        members = _members(file, "r|" if is_url(shard) else "r:")
        try:
            for member, content in members:
                path = PurePosixPath(member.name)
                stem, _, ending = path.name.partition(".")
                samples.setdefault(str(path.with_name(stem)), _Sample()).add(member, ending.lower(), content)
        except (tarfile.TarError, OSError, EOFError) as error:
            damage = str(error) or type(error).__name__
    images = [sample for sample in samples.values() if sample.image is not None]
    if not images and damage:
        raise DataError(
            f"{shown} cannot be read as a tar shard ({damage}). A shard is a plain tar file; unpack a compressed one "
            f"with gunzip."
        )
    return ShardIndex(
        stamp=stamp,
        names=tuple(sample.image.name for sample in images if sample.image),
        offsets=tuple(sample.image.offset_data for sample in images if sample.image),
        sizes=tuple(sample.image.size for sample in images if sample.image),
        labels=tuple(sample.final_label() for sample in images),
        damage=damage,
    )


class _Sample:
    """What the members of one name have said so far."""

    def __init__(self) -> None:
        self.image: tarfile.TarInfo | None = None
        self.label = ""

    def add(self, member: tarfile.TarInfo, ending: str, content: Callable[[], bytes]) -> None:
        if ending.rpartition(".")[2] in IMAGE_EXTENSIONS:
            self.image = self.image or member
        elif ending in ("cls", "cls.txt"):
            self.label = content().decode("utf-8", "replace").strip()
        elif ending == "json" and not self.label:
            self.label = _label_in(content())

    def final_label(self) -> str:
        """Return the label, or the folder's name where it is no split's."""
        folder = PurePosixPath(self.image.name).parent.name if self.image else ""
        return self.label or ("" if folder.lower() in SPLIT_WORDS else folder)


def _members(file: Any, mode: Any) -> Iterator[tuple[tarfile.TarInfo, Callable[[], bytes]]]:
    with tarfile.open(fileobj=file, mode=mode) as archive:
        for member in archive:
            archive.members = []  # type: ignore[attr-defined]  # It would remember every member of a large shard.
            if member.isreg():
                yield member, lambda member=member: _content(archive, member)  # type: ignore[misc]
        if mode == "r:" and not _ends_properly(file, archive.offset):  # tarfile takes this for the end.
            raise tarfile.ReadError("unexpected end of data")


def _ends_properly(file: IO[bytes], offset: int) -> bool:
    """Say whether the block of zeros with which an archive ends stands at ``offset``."""
    file.seek(offset)
    return file.read(tarfile.BLOCKSIZE) == bytes(tarfile.BLOCKSIZE)


def _content(archive: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = archive.extractfile(member)
    return file.read(1 << 20) if file else b""


def _label_in(content: bytes) -> str:
    try:
        values = json.loads(content)
    except ValueError:
        return ""
    if isinstance(values, dict):
        values = next((values[key] for key in _LABEL_KEYS if key in values), None)
    return str(values) if isinstance(values, int | str) and not isinstance(values, bool) else ""


def _frozen(value: Any) -> Any:
    return tuple(value) if isinstance(value, list) else value
