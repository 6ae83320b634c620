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

_FORMAT = 2
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
    images = [each for sample in samples.values() for each in sample.labelled(shown)]
    if not images and damage:
        raise DataError(
            f"{shown} cannot be read as a tar shard ({damage}). A shard is a plain tar file; unpack a compressed one "
            f"with gunzip."
        )
    return ShardIndex(
        stamp=stamp,
        names=tuple(member.name for member, _ in images),
        offsets=tuple(member.offset_data for member, _ in images),
        sizes=tuple(member.size for member, _ in images),
        labels=tuple(label for _, label in images),
        damage=damage,
    )


class _Sample:
    """What the members whose names agree up to the first dot have said so far.

    Photographs may have dots in their names (``IMG.0001.jpg``, ``at 10.11.12.jpg``): where such names meet in one sample,
    each image is a sample of its own, with the label file of its own name or the label that all share in no file.
    """

    def __init__(self) -> None:
        self.images: list[tuple[str, tarfile.TarInfo]] = []
        self.labels: dict[str, str] = {}

    def add(self, member: tarfile.TarInfo, ending: str, content: Callable[[], bytes]) -> None:
        ending = ending.removesuffix(".txt") if ending.endswith("cls.txt") else ending
        middle, _, last = ending.rpartition(".")
        if last in IMAGE_EXTENSIONS:
            self.images.append((middle, member))
        elif last == "cls":
            self.labels[middle] = content().decode("utf-8", "replace").strip()
        elif last == "json":
            self.labels.setdefault(middle, _label_in(content()))

    def labelled(self, shown: str) -> list[tuple[tarfile.TarInfo, str]]:
        """Return its images with their labels, or with the folder's name where that is no split's.

        Raises:
            DataError: it has several images, and which of them is meant cannot be told.
        """
        labels = {middle: label for middle, label in self.labels.items() if label}
        if len(self.images) > 1 and not all(self._is_own(middle, labels) for middle, _ in self.images):
            plain = [each for each in self.images if not each[0]]
            if len(plain) != 1 or "" not in labels:
                first, second = (display_name(member.name) for _, member in self.images[:2])
                raise DataError(
                    f"{shown}: {first} and {second} are one sample by WebDataset's rule (names agree up to the first dot), "
                    f"and which of them is the image cannot be told. Rename them, or leave one out of the shards."
                )
            self.images = plain
        return [
            (member, labels.get(middle) or labels.get("") or _folder(member))
            for middle, member in self.images
        ]

    @staticmethod
    def _is_own(middle: str, labels: dict[str, str]) -> bool:
        """Say whether an image is a sample of its own: "0001" is part of a name, "mask" says what an image is for."""
        if labels:
            return middle in labels
        return not middle.isalpha()


def _folder(member: tarfile.TarInfo) -> str:
    folder = PurePosixPath(member.name).parent.name
    return "" if folder.lower() in SPLIT_WORDS else folder


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
