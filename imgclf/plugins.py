"""Find the datasets and models that installed packages declare.

Ours and theirs come by the same road: entry points in the groups ``imgclf.datasets`` (a class or
object with ``info``, ``is_on_disk``, ``download`` and ``load``) and ``imgclf.models`` (a module that registers
its networks with timm when it is imported). Nothing is imported before somebody asks for it by name.
"""

from collections import Counter
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from imgclf.errors import PluginError, suggest

DATASETS = "imgclf.datasets"
MODELS = "imgclf.models"


def plugin_entry_points(group: str) -> dict[str, EntryPoint]:
    """Return the group's entry points by name, sorted.

    Raises:
        PluginError: two installed packages declare the same name.
    """
    found = _without_repeats(entry_points(group=group))
    counts = Counter(point.name for point in found)
    for name, count in counts.items():
        if count > 1:
            packages = sorted(package_of(point) for point in found if point.name == name)
            raise PluginError(
                f"The name '{name}' in '{group}' is declared by {count} installed packages: {', '.join(packages)}. "
                f"Uninstall all but one of them."
            )
    return {point.name: point for point in sorted(found, key=lambda point: point.name)}


def load_plugin(group: str, name: str) -> Any:
    """Import and return what the entry point ``name`` of ``group`` names.

    Raises:
        PluginError: the name is unknown, or the plugin fails while it is imported.
    """
    points = plugin_entry_points(group)
    if name not in points:
        raise PluginError(
            f"Unknown name '{name}' in '{group}'.{suggest(name, points)} Known: {', '.join(points)}."
        )
    return load_point(points[name])


def load_point(point: EntryPoint) -> Any:
    """Import and return what an entry point names.

    Raises:
        PluginError: the plugin fails while it is imported.
    """
    try:
        return point.load()
    except Exception as error:  # A plugin is foreign code: whatever it raises, the user needs its name.
        raise PluginError(
            f"The plugin '{point.name}' of package {package_of(point)} failed to load: "
            f"{type(error).__name__}: {error}. Update or uninstall that package."
        ) from error


def plugin_package(group: str, name: str) -> str:
    """Return "package version" of the distribution that declares ``name`` in ``group``."""
    return package_of(plugin_entry_points(group)[name])


def _without_repeats(points: Iterable[EntryPoint]) -> list[EntryPoint]:
    """Drop exact repeats: an editable install beside a built one lists the same package twice."""
    unique = {(point.name, point.value, package_of(point)): point for point in points}
    return list(unique.values())


def package_of(point: EntryPoint) -> str:
    """Return "package version" of the distribution that declares an entry point."""
    return f"{point.dist.name} {point.dist.version}" if point.dist else "an unknown package"
