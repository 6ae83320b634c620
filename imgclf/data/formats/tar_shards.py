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
from imgclf.data.labels.reading import Reading, SplitRows, Wishes
from imgclf.data.labels.rows import dataset_of
from imgclf.data.labels.split_words import split_of
from imgclf.data.shards.shard_files import expand, is_url, path_of, read_part
from imgclf.data.shards.tar_index import ShardIndex, index_of
from imgclf.data.stored_images import Chosen, Storage, StoredImages
from imgclf.data.taken import Taken
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


@final
class TarShards:
    """Tar shards, as WebDataset writes them."""

    name = "tar"
    summary = "A tar shard, a folder of them, or a pattern of paths or addresses"
    made_with = "WebDataset's own writer"
    reads = "Images with a .cls or .json beside them, or in folders of their classes; classnames.txt beside the shards."
    leaves_out = "Compressed shards: unpack them first."
    rank = 70

    def recognises(self, path: Path) -> bool:
        """Say whether it is a tar file, or a folder with tar files and no images."""
        return path.suffix.lower() == ".tar" if path.is_file() else has_tar_shards(path)

    def read(self, path: Path, wishes: Wishes) -> Reading:
        """Return the images of all shards."""
        return read_tar_shards(str(path))


def open_tar_shards(spec: str, progress: OnProgress = None) -> Dataset:
    """Open the tar shards that a pattern of paths or addresses names.

    Raises:
        DataError: a shard is missing or no tar file, or the samples fit no dataset.
        DownloadError: a server does not give a shard.
    """
    where = spec if is_url(spec) else display_name(spec)
    name = path_of(expand(spec)[0]).stem
    return dataset_of(
        read_tar_shards(spec, progress), where, DatasetInfo(name=name, summary=f"Tar shards in {where}")
    )


def read_tar_shards(spec: str, progress: OnProgress = None) -> Reading:
    """Read a folder of shards, a tar file, an address, or a pattern of these; raises as :func:`open_tar_shards`."""
    folder = Path(spec)
    shards = _shards_in(folder) if folder.is_dir() else expand(spec)
    indices = _indices(shards, progress)
    rows: dict[str, SplitRows] = {}
    for split in dict.fromkeys(map(_split, shards)):
        chosen = [place for place, shard in enumerate(shards) if _split(shard) == split]
        rows[split] = _rows([shards[place] for place in chosen], [indices[place] for place in chosen])
    return Reading(
        rows,
        Taken("tar", "members of the shards", "beside each image, or its folder", "names of the shards"),
        class_names=_class_names(shards),
        unreadable=tuple(
            UnreadableImage(path_of(shard).name, f"ends in the middle: {index.damage}; read up to there")
            for shard, index in zip(shards, indices, strict=True)
            if index.damage
        ),
        hint=_HINT,
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


def _rows(shards: list[str], indices: list[ShardIndex]) -> SplitRows:
    """Return the images of one split."""
    names = [path_of(shard).name for shard in shards]
    if len(set(names)) < len(names):
        names = [path_of(shard).as_posix() for shard in shards]
    files = [f"{shard}/{name}" for shard, index in zip(names, indices, strict=True) for name in index.names]
    return SplitRows(
        TarImages(shards, indices), [label for index in indices for label in index.labels], files
    )


def _class_names(shards: list[str]) -> tuple[str, ...]:
    """Return the lines of ``classnames.txt``, which numbers mean, where that lies beside the first shard."""
    file = path_of(shards[0]).parent / _CLASS_NAMES
    if is_url(shards[0]) or not file.is_file():
        return ()
    return tuple(file.read_text(encoding="utf-8").removesuffix("\n").split("\n"))
