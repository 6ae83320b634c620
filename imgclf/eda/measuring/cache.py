"""Keep what was measured, outside the dataset, so that a second look decodes only what has changed."""

import json
import os
from dataclasses import dataclass
from hashlib import blake2b
from io import BytesIO
from pathlib import Path

import numpy as np
from platformdirs import user_cache_dir

from imgclf.atomic import write_atomically
from imgclf.data import Dataset, ImageSource
from imgclf.eda.measuring.measure import FACTS, MEASURE_VERSION, Measured, content_hash
from imgclf.errors import RunError

CACHE_DIR_VARIABLE = "IMGCLF_CACHE_DIR"


@dataclass(frozen=True)
class Cache:
    """Facts by key, in one file.

    Attributes:
        path: the file.
        keys: uint64 (n,), sorted; see :func:`cache_key`.
        measured: the facts and errors in the order of ``keys``.
    """

    path: Path
    keys: np.ndarray
    measured: Measured


def cache_root() -> Path:
    """Return the environment's ``IMGCLF_CACHE_DIR``, else the user's cache directory."""
    from_environment = os.environ.get(CACHE_DIR_VARIABLE)
    return Path(from_environment).expanduser() if from_environment else Path(user_cache_dir("imgclf"))


def cache_file(dataset: Dataset) -> Path:
    """Return the dataset's cache file: one per name and place."""
    places = sorted(
        {
            str(source.absolute().parent.parent)
            for source in _first_images(dataset)
            if isinstance(source, Path)
        }
    )
    identity = json.dumps([dataset.info.name, places]).encode("utf-8", "surrogatepass")
    digest = blake2b(identity, digest_size=6).hexdigest()
    safe = "".join(letter if letter.isalnum() or letter in "-_." else "_" for letter in dataset.info.name)[
        :60
    ]
    return cache_root() / "eda" / f"{safe}-{digest}.npz"


def cache_key(source: ImageSource) -> int:
    """Return what changes when an image does: of a file its path, size and time, of anything else its content.

    A file that cannot be reached has the key 0, which is never stored.
    """
    if isinstance(source, Path):
        try:
            status = source.stat()
        except OSError:
            return 0
        return content_hash(
            os.fsencode(source.absolute()) + f"|{status.st_size}|{status.st_mtime_ns}".encode()
        )
    return content_hash(source if isinstance(source, bytes | np.ndarray) else np.asarray(source))


def load_cache(path: Path) -> Cache:
    """Read a cache file; one that is missing, damaged or of another version is as good as empty."""
    try:
        # Opened here, because np.load leaves a file open that is no archive.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as stored:
            if int(stored["version"]) == MEASURE_VERSION and stored["facts"].dtype == FACTS:
                errors = json.loads(stored["errors"].tobytes())
                return Cache(
                    path,
                    stored["keys"],
                    Measured(stored["facts"], {int(row): (kind, why) for row, kind, why in errors}),
                )
    except Exception:  # NumPy, zipfile and json each raise their own; a cache is never worth a failure
        pass
    return Cache(path, np.empty(0, np.uint64), Measured(np.empty(0, FACTS), {}))


def save_cache(path: Path, keys: np.ndarray, measured: Measured) -> bool:
    """Write the cache; False where the disk refuses, because a cache is never worth a failure."""
    known = np.flatnonzero(keys != 0)
    order = known[np.argsort(keys[known], kind="stable")]
    position = {int(row): place for place, row in enumerate(order)}
    errors = [(position[row], *why) for row, why in measured.errors.items() if row in position]
    content = BytesIO()
    np.savez(
        content,
        version=np.array(MEASURE_VERSION),
        keys=keys[order],
        facts=measured.facts[order],
        errors=np.frombuffer(json.dumps(errors).encode(), np.uint8),
    )
    try:
        write_atomically(path, lambda file: file.write(content.getbuffer()))
    except RunError:
        return False
    return True


def _first_images(dataset: Dataset) -> list[ImageSource]:
    return [examples.images[0] for examples in dataset.splits.values() if len(examples)]
