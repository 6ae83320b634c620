"""Look over an installation: what it consists of, and what in it is broken."""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from importlib import import_module
from importlib.metadata import PackageNotFoundError, entry_points, requires, version
from pathlib import Path

from imgclf.doctor.machine import devices, system
from imgclf.errors import PluginError
from imgclf.plugins import load_plugin, plugin_entry_points, plugin_package
from imgclf.records import OnProgress, Progress

# Where the name to import is not the distribution's own name.
_MODULES = {
    "grad-cam": "pytorch_grad_cam",
    "opentsne": "openTSNE",
    "pillow": "PIL",
    "scikit-learn": "sklearn",
    "umap-learn": "umap",
}


@dataclass(frozen=True)
class Diagnosis:
    """What a bug report needs.

    Attributes:
        system: what it runs on, in words.
        packages: distribution -> version, or None where it is missing.
        extras: extra -> its packages that are missing; an empty list means that it is installed.
        devices: what computes, and how well.
        caches: cache -> folder and size.
        plugins: group -> "name (package)".
        problems: what is broken, one sentence each; empty when all is well.
    """

    system: dict[str, str]
    packages: dict[str, str | None]
    extras: dict[str, list[str]]
    devices: dict[str, str]
    caches: dict[str, str]
    plugins: dict[str, list[str]]
    problems: list[str] = field(default_factory=list)


def diagnose(progress: OnProgress) -> Diagnosis:
    """Import every dependency, load every plugin, try every cache folder and the devices."""
    needed, extras = _requirements()
    problems = [] if needed else ["imgclf is not installed. Run in its checkout: pip install ."]
    packages = {name: _version(name) for name in needed}
    problems += _try_imports(needed, progress)
    plugins = {}
    for group in sorted(name for name in entry_points().groups if name.startswith("imgclf.")):
        plugins[group.removeprefix("imgclf.")], broken = _load_plugins(group)
        problems += broken
    caches, unwritable = _look_at_caches()
    return Diagnosis(
        system=system(),
        packages=packages,
        extras={name: [part for part in parts if _version(part) is None] for name, parts in extras.items()},
        devices=devices(),
        caches=caches,
        plugins=plugins,
        problems=problems + unwritable,
    )


def _requirements() -> tuple[list[str], dict[str, list[str]]]:
    """Return the distributions that imgclf needs, and those of each extra, from its own metadata.

    A checkout that was never installed has no metadata and gives nothing.
    """
    needed: list[str] = []
    extras: dict[str, list[str]] = {}
    try:
        lines = requires("imgclf") or []
    except PackageNotFoundError:
        lines = []
    for line in lines:
        name = re.split(r"[^\w.-]", line, maxsplit=1)[0].lower()
        extra = re.search(r"""extra == ['"]([\w-]+)['"]""", line)
        if extra is None:
            needed.append(name)
        elif extra[1] != "all":  # the sum of the others
            extras.setdefault(extra[1], []).append(name)
    return needed, extras


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _try_imports(names: list[str], progress: OnProgress) -> list[str]:
    problems = []
    tell = progress or (lambda _: None)
    for index, name in enumerate(names):
        tell(Progress("Importing", index, len(names), name))
        try:
            import_module(_MODULES.get(name, name.replace("-", "_")))
        except Exception as error:  # Whatever a broken installation raises is what the report is for.
            problems.append(f"{name} cannot be imported: {type(error).__name__}: {error}")
    tell(Progress("Importing", len(names), len(names)))
    return problems


def _load_plugins(group: str) -> tuple[list[str], list[str]]:
    """Return "name (package)" of each plugin in the group, and what is wrong with those that do not load."""
    try:
        names = list(plugin_entry_points(group))
    except PluginError as error:
        return [], [str(error)]
    problems = []
    for name in names:
        try:
            load_plugin(group, name)
        except PluginError as error:
            problems.append(str(error))
    return [f"{name} ({plugin_package(group, name)})" for name in names], problems


def _look_at_caches() -> tuple[dict[str, str], list[str]]:
    """Return each cache's folder and size, and the folders that cannot be written to."""
    found, problems = {}, []
    for name, folder in _cache_folders():
        found[name] = f"{folder}, {_size(folder)}"
        existing = next(place for place in (folder, *folder.parents) if place.exists())
        if not os.access(existing, os.W_OK):
            problems.append(
                f"The folder for {name}, {folder}, cannot be written to. Allow it, or choose another."
            )
    return found, problems


def _cache_folders() -> Iterator[tuple[str, Path]]:
    from imgclf.data import data_root, default_cache_dir  # noqa: PLC0415 - numpy may be what is broken

    yield "datasets", data_root()
    yield "decoded images", default_cache_dir() / "decoded"
    hub = os.environ.get("HF_HUB_CACHE") or Path(os.environ.get("HF_HOME", "~/.cache/huggingface"), "hub")
    yield "pretrained weights", Path(hub).expanduser()


def _size(folder: Path) -> str:
    total = sum(
        file.lstat().st_size for file in folder.rglob("*") if file.is_file() and not file.is_symlink()
    )
    return f"{total / 1e6:,.0f} MB" if total else "empty"
