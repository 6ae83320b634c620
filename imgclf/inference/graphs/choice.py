"""Which library computes a network on this machine: measured once, remembered in the user's cache."""

import json
import platform
from dataclasses import asdict, dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

from imgclf._version import __version__
from imgclf.data import cores
from imgclf.inference.graphs.kept import graph_cache

_CPU_FACTS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class Choice:
    """What was chosen, and why.

    Attributes:
        runtime: ``onnx`` or ``torch``.
        why: a sentence.
        milliseconds: an image by library, on one thread, where that was measured.
    """

    runtime: Literal["onnx", "torch"]
    why: str
    milliseconds: dict[str, float] = field(default_factory=dict)


def remembered_choice(key: str) -> Choice | None:
    """Return what was chosen for a network by these versions on this machine; None where nothing was."""
    try:
        values = json.loads(_file(key).read_text(encoding="utf-8"))
        return Choice(**values["choice"]) if values["made_with"] == _made_with() else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def remember_choice(key: str, choice: Choice) -> None:
    """Keep a choice for the next start; without a cache to write to, the next start chooses again."""
    try:
        _file(key).parent.mkdir(parents=True, exist_ok=True)
        text = json.dumps({"made_with": _made_with(), "choice": asdict(choice)}, indent=2)
        _file(key).write_text(text + "\n", encoding="utf-8")
    except OSError:
        return


def _file(key: str) -> Path:
    return graph_cache() / f"{key}.json"


def _made_with() -> str:
    libraries = [f"{name} {_version(name)}" for name in ("torch", "onnxruntime")]
    return ", ".join([f"imgclf {__version__}", *libraries, _processor(), f"{cores()} cores"])


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "missing"


def _processor() -> str:
    """Return the processor's name: a home directory may be shared by machines."""
    try:
        lines = _CPU_FACTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")), "unknown"
    )
