"""Find what installed packages bring: datasets, networks, saliency methods, export formats and more.

Ours and theirs come by the same road: entry points in a group of the thing's own. Nothing is imported before
somebody asks for it by name. A group whose plugins are objects is an :class:`ExtensionPoint`, which says what such an
object must have::

    METHODS = ExtensionPoint("imgclf.methods", "saliency method", Method, "`name`, `title` and `maps(...)`")
    METHODS.load("gradcam")
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Generic, TypeVar, final

from imgclf.errors import ImgclfError, PluginError, UsageError, suggest

DATASETS = "imgclf.datasets"
MODELS = "imgclf.models"

Plugin = TypeVar("Plugin")


@final
@dataclass(frozen=True)
class ExtensionPoint(Generic[Plugin]):
    """One of the things that people bring, and what every plugin of it must have.

    Attributes:
        group: of entry points; each names an object, or a class that is made without arguments.
        word: what one is called in a sentence: "saliency method".
        kind: a runtime-checkable protocol or an abstract class with a ``name``, which must be the entry point's.
        needs: the members of ``kind``, for the author of a plugin that lacks one.
        unknown: the error for a name that nobody declares.
    """

    group: str
    word: str
    kind: type[Plugin]
    needs: str
    unknown: type[ImgclfError] = UsageError

    def names(self) -> tuple[str, ...]:
        """Return the names that are declared, sorted; nothing is imported.

        Raises:
            PluginError: two installed packages declare the same name.
        """
        return tuple(plugin_entry_points(self.group))

    def load(self, name: str) -> Plugin:
        """Return the plugin of a name.

        Raises:
            ImgclfError: of the class ``unknown`` where nobody declares it.
            PluginError: it fails to load, is not what it should be, or two packages declare it.
        """
        points = plugin_entry_points(self.group)
        if name not in points:
            raise self.unknown(
                f"Unknown {self.word} '{name}'.{suggest(name, points)} Known: {', '.join(points)}."
            )
        return _opened(self, points[name])

    def every(self) -> tuple[dict[str, Plugin], tuple[str, ...]]:
        """Return all plugins by name, and a sentence for each that is broken: one must not hide the others."""
        found, problems = {}, []
        for name, point in plugin_entry_points(self.group).items():
            try:
                found[name] = _opened(self, point)
            except PluginError as error:
                problems.append(str(error))
        return found, tuple(problems)


def _opened(extension: ExtensionPoint[Plugin], point: EntryPoint) -> Plugin:
    loaded: Any = load_point(point)
    whose = f"The {extension.word} '{point.name}' of package {package_of(point)}"
    try:
        plugin = loaded() if isinstance(loaded, type) else loaded
    except Exception as error:  # A plugin is foreign code, here too.
        raise PluginError(
            f"{whose} could not be created: {type(error).__name__}: {error}. A plugin class takes no arguments."
        ) from error
    if not isinstance(plugin, extension.kind):
        raise PluginError(f"{whose} is no {extension.word}: it needs {extension.needs}.")
    named = getattr(plugin, "name", None)
    if named != point.name:
        raise PluginError(f"{whose} calls itself '{named}'. Its entry point and its name must agree.")
    return plugin


def plugin_entry_points(group: str) -> dict[str, EntryPoint]:
    """Return the group's entry points by name, sorted.

    It reads what is installed anew, which takes about 20 ms for 200 packages: keep what you load where it is asked for
    again and again.

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
