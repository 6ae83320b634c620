"""Where the graph of a model file is kept: beside it, or in the user's cache; named after the weights.

The name holds a hash of everything that the graph was made from, so weights that changed never meet an old graph, and
a temperature that changed keeps the one that is there.
"""

import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path

from imgclf.data import default_cache_dir
from imgclf.records import ModelHeader

_KEPT_IN_CACHE = 20
_BLOCK = 1 << 20


def graph_key(file: Path, header: ModelHeader) -> str:
    """Return 16 hexadecimal digits that name the network: its weights, how it is built, what it is fed.

    Raises:
        OSError: the model file is gone.
    """
    digest = hashlib.sha256()
    built = (header.arch, dict(header.arch_args), dict(header.head), header.preprocessing.to_dict())
    digest.update(json.dumps(built, sort_keys=True, default=str).encode())
    with file.open("rb") as weights:
        length = int.from_bytes(weights.read(8), "little")
        tensors = json.loads(weights.read(length))
        tensors.pop("__metadata__", None)  # temperature, threshold and metrics: no part of the network
        digest.update(json.dumps(tensors, sort_keys=True).encode())
        while block := weights.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()[:16]


def kept_graph(file: Path, key: str) -> Path | None:
    """Return the graph of a model file, or None where there is none yet."""
    return next((place for place in (beside(file, key), in_cache(key)) if place.is_file()), None)


def beside(file: Path, key: str) -> Path:
    """Return the graph's place in the run."""
    return file.with_name(f"graph-{key}.onnx")


def in_cache(key: str) -> Path:
    """Return the graph's place in the cache."""
    return graph_cache() / f"{key}.onnx"


def remove_old_graphs(file: Path, key: str) -> None:
    """Remove graphs of earlier weights beside a model file."""
    for graph in file.parent.glob("graph-*.onnx"):
        if graph != beside(file, key):
            graph.unlink(missing_ok=True)


def make_room_in_cache() -> None:
    """Keep the graphs that were used last, and remove the others."""
    by_age = sorted(graph_cache().glob("*.onnx"), key=lambda path: path.stat().st_mtime, reverse=True)
    for graph in by_age[_KEPT_IN_CACHE:]:
        graph.unlink(missing_ok=True)


def places_to_write(file: Path, key: str) -> Iterator[Path]:
    """Yield where a new graph may go, the best place first."""
    if os.access(file.parent, os.W_OK) and (file.parent / "config.toml").is_file():
        yield beside(file, key)
    yield in_cache(key)


def graph_cache() -> Path:
    """Return the folder of the cache for graphs and for what is remembered of them."""
    return default_cache_dir() / "graphs"
