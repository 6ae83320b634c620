"""Decoded pixels kept on disk between runs, as one file per split that is mapped into memory.

The cache is a convenience: whatever goes wrong with it (no space, a half-written or changed file) only means that
images are decoded again. A file is named after a hash of all sources and of what is kept of each image.
"""

import contextlib
import hashlib
import json
import os
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any

import numpy as np
from PIL import __version__ as pillow_version
from platformdirs import user_cache_dir

from imgclf.atomic import replacing
from imgclf.data.images.preparation import Preparation
from imgclf.data.images.source import ImageSource
from imgclf.data.loading.decoded_images import DecodedImages
from imgclf.data.stored_images import storage_of

_MAGIC = b"imgclf decoded 1\n"
_LARGEST_TOTAL = 20 * 2**30  # older files are removed beyond this
_PIECE = 1 << 24


def default_cache_dir() -> Path:
    """Return the folder for caches: ``IMGCLF_CACHE_DIR``, or the platform's cache folder for imgclf."""
    return Path(os.environ.get("IMGCLF_CACHE_DIR") or user_cache_dir("imgclf"))


def cache_key(images: Sequence[ImageSource] | np.ndarray, prepare: Preparation) -> str | None:
    """Return a hash of path, size and mtime of each file (or of its bytes) and of how it is decoded.

    None where a source cannot be told apart from others: a Pillow image, a missing file.
    """
    digest = hashlib.blake2b(f"{_MAGIC!r} {pillow_version} {prepare!r}".encode(), digest_size=16)
    if isinstance(images, np.ndarray):
        digest.update(f"{images.shape} {images.dtype}".encode())
        digest.update(np.ascontiguousarray(images).data)
        return digest.hexdigest()
    storage = storage_of(images)
    if storage is not None:
        digest.update(storage.identity.encode("utf-8", "surrogateescape"))
        return digest.hexdigest()
    for image in images:
        if isinstance(image, Path):
            try:
                status = image.stat()
            except (OSError, ValueError):
                return None
            digest.update(
                os.fsencode(image.absolute()) + f"\0{status.st_size} {status.st_mtime_ns}\0".encode()
            )
        elif isinstance(image, bytes):
            digest.update(len(image).to_bytes(8, "little") + image)
        else:
            return None
    return digest.hexdigest()


def load_cached(
    key: str | None, cache_dir: Path | None, count: int
) -> tuple[DecodedImages, dict[int, str]] | None:
    """Return the mapped images and the reasons of those left out, or None where there is no sound cache."""
    if key is None:
        return None
    path = _file(key, cache_dir)
    try:
        with path.open("rb") as file:
            header, start = _read_header(file)
            if _checksum_of_rest(file) != header["checksum"] or header["count"] != count:
                return None
        shapes = np.asarray(header["shapes"], dtype=np.int64).reshape(-1, 3)
        sizes = shapes.prod(axis=1)
        # Copy-on-write: torch takes only writable memory, and nothing that is written reaches the file.
        block = np.memmap(path, dtype=np.uint8, mode="c", offset=start, shape=(int(sizes.sum()),))
        path.touch()  # the least recently used file is the first to be removed
    except (OSError, ValueError, KeyError, TypeError):
        return None
    offsets = np.concatenate([[0], sizes.cumsum()[:-1]]).astype(np.int64)
    failures = {int(index): str(reason) for index, reason in header["failures"].items()}
    return DecodedImages(block, offsets, shapes), failures


def store(key: str | None, cache_dir: Path | None, images: DecodedImages, failures: dict[int, str]) -> None:
    """Keep decoded images; give up without a word where the disk does not take them."""
    if key is None or len(images) == 0:
        return
    path = _file(key, cache_dir)
    with contextlib.suppress(OSError):
        path.parent.mkdir(parents=True, exist_ok=True)
        _make_room(path.parent, images.block.nbytes)
        with replacing(path, durable=False) as file:
            file.write(_header_bytes(images, failures))
            for first in range(0, images.block.nbytes, _PIECE):
                file.write(images.block[first : first + _PIECE].data)


def _file(key: str, cache_dir: Path | None) -> Path:
    return (cache_dir or default_cache_dir()) / "decoded" / f"{key}.pixels"


def _header_bytes(images: DecodedImages, failures: dict[int, str]) -> bytes:
    """Return magic, length and JSON, padded so that the pixels begin on a 64-byte boundary."""
    checksum = 0
    for first in range(0, images.block.nbytes, _PIECE):
        checksum = zlib.crc32(images.block[first : first + _PIECE].data, checksum)
    header = {
        "count": len(images) + len(failures),
        "shapes": images.shapes.reshape(-1).tolist(),
        "failures": failures,
        "checksum": checksum,
    }
    text = json.dumps(header).encode()
    text += b" " * (-(len(_MAGIC) + 8 + len(text)) % 64)
    return _MAGIC + len(text).to_bytes(8, "little") + text


def _read_header(file: IO[bytes]) -> tuple[dict[str, Any], int]:
    """Return the header and the offset of the pixels, where the file now stands.

    Raises:
        ValueError: it is no such file.
    """
    if file.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("not a cache of decoded images")
    length = int.from_bytes(file.read(8), "little")
    header = json.loads(file.read(min(length, 1 << 30)))
    if not isinstance(header, dict):
        raise ValueError("not a header")
    return header, file.tell()


def _checksum_of_rest(file: IO[bytes]) -> int:
    """Return the checksum of the rest of a file."""
    checksum = 0
    while piece := file.read(_PIECE):
        checksum = zlib.crc32(piece, checksum)
    return checksum


def _make_room(folder: Path, needed: int) -> None:
    """Remove the least recently used files until the new one fits under the limit."""
    files = sorted(
        ((path.stat().st_mtime, path.stat().st_size, path) for path in folder.iterdir()), reverse=True
    )
    total = needed
    for _, size, path in files:
        total += size
        if total > _LARGEST_TOTAL:
            path.unlink(missing_ok=True)
