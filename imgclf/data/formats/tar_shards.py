"""A dataset in tar shards, as WebDataset writes them: a folder of them, one, or a pattern of paths or addresses.

    shards/train-000000.tar  shards/train-000001.tar  shards/val-000000.tar      a folder
    shards/train-{000000..000009}.tar                                            a pattern

An index (name, place, size and label of each image) is made from the tar headers when a shard is first met. After
that an image is a read at an offset, so shards behave as a folder does: any order, any split, resumable in the middle
of an epoch, each image once, the same for every number of processes. A one-pass stream gives none of these, and would
have to be read once anyway to know the classes and the number of images. From a server only the images that are asked
for are fetched, and none is kept, so a set may be larger than the disk.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import final, overload

import numpy as np

from imgclf.data.examples import Dataset
from imgclf.data.images.names import IMAGE_EXTENSIONS, display_name, extension, is_hidden
from imgclf.data.labels.classes import split_of
from imgclf.data.labels.rows import SplitRows, dataset_of_rows
from imgclf.data.shards.shard_files import expand, is_url, path_of, read_part
from imgclf.data.shards.tar_index import ShardIndex, index_of
from imgclf.data.stored_images import Chosen, Storage, StoredImages
from imgclf.errors import DataError
from imgclf.records import DatasetInfo, OnProgress, Progress, UnreadableImage

_CLASS_NAMES = "classnames.txt"
_HINT = (
    "A shard holds images, each with its label beside it (0001.jpg, 0001.cls) or in a folder of its class, of at least "
    "two classes."
)


@final
class TarImages(StoredImages):
    """N encoded images in tar shards, each read where its index says. It can be pickled and forked.

    Args:
        shards: paths or addresses.
        indices: one for each.
    """

    def __init__(self, shards: Sequence[str], indices: Sequence[ShardIndex]) -> None:
        self._shards = tuple(shards)
        self._identity = "\n".join(index.stamp for index in indices)
        counts = [len(index.names) for index in indices]
        self._shard_of = np.repeat(np.arange(len(shards)), counts)
        self._offsets = np.array([offset for index in indices for offset in index.offsets], dtype=np.int64)
        self._sizes = np.array([size for index in indices for size in index.sizes], dtype=np.int64)

    def __len__(self) -> int:
        return len(self._offsets)

    @overload
    def __getitem__(self, index: int) -> bytes: ...
    @overload
    def __getitem__(self, index: slice) -> Chosen: ...
    def __getitem__(self, index: int | slice) -> bytes | Chosen:
        """Return one encoded image, or a part that is as lazy.

        Raises:
            ImageError: the shard is no longer there, or the server does not give the image.
        """
        if isinstance(index, slice):
            return Chosen(self, np.arange(len(self))[index])
        shard = self._shards[self._shard_of[index]]
        name = f"{path_of(shard).name}, image {index}"
        return read_part(shard, int(self._offsets[index]), int(self._sizes[index]), name)

    @property
    def storage(self) -> Storage:
        """Any order is as good as another."""
        return Storage(nbytes=int(self._sizes.sum()), identity=self._identity)


def has_tar_shards(folder: Path) -> bool:
    """Say whether tar files lie in a folder and no images: beside images, a tar file is what they were unpacked from."""
    found = False
    for ending in _endings(folder, depth=2):
        if ending in IMAGE_EXTENSIONS:
            return False
        found = found or ending == "tar"
    return found


def open_tar_shards(spec: str, info: DatasetInfo | None = None, progress: OnProgress = None) -> Dataset:
    """Open tar shards.

    Args:
        spec: a folder, a tar file, an address, or a pattern of these.
        info: what to say of the dataset; by default it is named after the folder.
        progress: told how many shards are indexed.

    Raises:
        DataError: a shard is missing or no tar file, or the samples fit no dataset.
        DownloadError: a server does not give a shard.
    """
    folder = Path(spec)
    shards = _shards_in(folder) if folder.is_dir() else expand(spec)
    where = spec if is_url(spec) else display_name(spec)
    indices = _indices(shards, progress)
    rows: dict[str, SplitRows] = {}
    warnings = []
    for split in dict.fromkeys(map(_split, shards)):
        chosen = [place for place, shard in enumerate(shards) if _split(shard) == split]
        rows[split], dropped = _rows(
            [shards[place] for place in chosen], [indices[place] for place in chosen]
        )
        if dropped:
            warnings.append(f"{dropped} images of the {split} split have no label and are left out.")
    name = folder.resolve().name if folder.is_dir() else path_of(shards[0]).stem
    return dataset_of_rows(
        where,
        info or DatasetInfo(name=name, summary=f"Tar shards in {where}"),
        _named(rows, shards),
        hint=_HINT,
        unreadable=[
            UnreadableImage(path_of(shard).name, f"ends in the middle: {index.damage}; read up to there")
            for shard, index in zip(shards, indices, strict=True)
            if index.damage
        ],
        warnings=warnings,
    )


def _endings(folder: Path, depth: int) -> Iterator[str]:
    with os.scandir(folder) as entries:
        for entry in entries:
            if is_hidden(entry.name):
                continue
            if entry.is_dir():
                yield from _endings(Path(entry.path), depth - 1) if depth else ()
            else:
                yield extension(entry.name)


def _shards_in(folder: Path) -> list[str]:
    """Return the tar files at any depth, in order."""
    found = (path for path in sorted(folder.rglob("*.tar")) if path.is_file())
    return [
        str(path) for path in found if not any(is_hidden(part) for part in path.relative_to(folder).parts)
    ]


def _indices(shards: list[str], progress: OnProgress) -> list[ShardIndex]:
    indices = []
    with ThreadPoolExecutor(max_workers=8) as pool:
        for index in pool.map(index_of, shards):
            indices.append(index)
            if progress is not None:
                progress(Progress("Indexing shards", len(indices), len(shards)))
    return indices


def _split(shard: str) -> str:
    """Return what the file's name says of the split, or the name of the folder that it lies in."""
    return split_of(Path(*path_of(shard).parts[-2:]))


def _rows(shards: list[str], indices: list[ShardIndex]) -> tuple[SplitRows, int]:
    """Return the labelled images of one split, and how many have no label."""
    images = TarImages(shards, indices)
    names = [path_of(shard).name for shard in shards]
    if len(set(names)) < len(names):
        names = [path_of(shard).as_posix() for shard in shards]
    files = [f"{shard}/{name}" for shard, index in zip(names, indices, strict=True) for name in index.names]
    labels = [label for index in indices for label in index.labels]
    kept = [place for place, label in enumerate(labels) if label]
    if len(kept) == len(labels):
        return SplitRows(images, labels, files), 0
    chosen = Chosen(images, np.asarray(kept, dtype=np.int64))
    rows = SplitRows(chosen, [labels[place] for place in kept], [files[place] for place in kept])
    return rows, len(labels) - len(kept)


def _named(rows: dict[str, SplitRows], shards: list[str]) -> dict[str, SplitRows]:
    """Replace numbers by the lines of ``classnames.txt``, where that lies beside the first shard."""
    file = path_of(shards[0]).parent / _CLASS_NAMES
    if is_url(shards[0]) or not file.is_file():
        return rows
    names = file.read_text(encoding="utf-8").split("\n")
    names = names[:-1] if names[-1] == "" else names
    for found in rows.values():
        for place, label in enumerate(found.labels):
            if not (label.isascii() and label.isdecimal() and int(label) < len(names)):
                raise DataError(
                    f"{display_name(file)} names {len(names)} classes, and {found.files[place]} has the label '{label}'; "
                    f"with that file labels are numbers from 0 to {len(names) - 1}."
                )
        found.labels = [names[int(label)] for label in found.labels]
    return rows
