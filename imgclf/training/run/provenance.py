"""Where a run came from: versions, machine, and a fingerprint of the images it saw."""

import hashlib
import platform
from collections.abc import Iterable
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import torch

from imgclf._version import __version__
from imgclf.data import cores

_LIBRARIES = ("torch", "torchvision", "timm", "lightning-fabric", "pillow", "numpy", "scikit-learn")


def environment() -> dict[str, Any]:
    """Return versions, machine and devices as plain values."""
    return {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "imgclf": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "processors": cores(),
        "threads": torch.get_num_threads(),
        "cuda": [torch.cuda.get_device_name(index) for index in range(torch.cuda.device_count())],
        **{library: _version_of(library) for library in _LIBRARIES},
    }


def dataset_fingerprint(rows: Iterable[tuple[str, str, str]]) -> str:
    """Return 16 hexadecimal digits that change when a file joins, leaves, or changes its label or split.

    Args:
        rows: (file, label, split); their order does not matter.
    """
    digest = hashlib.sha256()
    for row in sorted(rows):
        digest.update("\0".join(row).encode("utf-8", "surrogateescape") + b"\n")
    return digest.hexdigest()[:16]


def _version_of(library: str) -> str | None:
    try:
        return version(library)
    except PackageNotFoundError:
        return None
