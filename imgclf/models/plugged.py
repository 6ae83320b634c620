"""Networks of plugins: modules in the entry-point group ``imgclf.models`` that register themselves with timm.

timm replaces a network of the same name with a mere warning. Here a plugin that does so is refused as a whole,
and the registry is put back as it was.
"""

import copy
import warnings
from functools import cache
from typing import Any

# No public road lists or restores timm's registrations; the tables have had these names since timm 0.9.
from timm.models import _registry as registry
from timm.models import is_model

import imgclf.models.nets  # noqa: F401 - our names must be known before a plugin can clash with them
from imgclf.errors import PluginError
from imgclf.plugins import MODELS, load_plugin, plugin_entry_points, plugin_package

_TABLES = (
    "_module_to_models",
    "_model_to_module",
    "_model_entrypoints",
    "_model_has_pretrained",
    "_model_default_cfgs",
    "_model_pretrained_cfgs",
    "_model_with_tags",
    "_module_to_deprecated_models",
    "_deprecated_models",
)
_CONTAINERS = (set, list, dict)
_owners: dict[str, str] = {}  # name of a network -> package and version of the plugin that registered it


def load_plugin_for(arch: str) -> None:
    """Import the plugin that declares ``arch``; do nothing where none does.

    Raises:
        PluginError: that plugin is broken, or ``arch`` is a name that timm or imgclf has itself.
    """
    if is_model(arch) and arch not in _owners:
        _refuse_shadow(arch)
    elif arch in _declared():
        _load_or_raise(arch)


def load_all_plugins() -> tuple[str, ...]:
    """Import every plugin; return one line for each that is broken or refused."""
    try:
        names = list(plugin_entry_points(MODELS))
    except PluginError as error:
        return (str(error),)
    return tuple(problem for name in names if (problem := _load(name)))


def plugin_of(arch: str) -> str | None:
    """Return package and version of the plugin that registered ``arch``, or None."""
    return _owners.get(arch)


def _declared() -> set[str]:
    return set(plugin_entry_points(MODELS))


def _refuse_shadow(arch: str) -> None:
    """Raise where a plugin declares the name of a network that exists without it."""
    try:
        declared = _declared()
    except PluginError:  # Two plugins that quarrel over a name are no concern of other networks.
        return
    if arch not in declared:
        return
    _load_or_raise(arch)
    if arch not in _owners:
        raise PluginError(_shadow_sentence(arch, [arch]))


def _load_or_raise(name: str) -> None:
    problem = _load(name)
    if problem:
        raise PluginError(problem)


@cache
def _load(name: str) -> str | None:
    """Import one plugin; return what is wrong with it, or None. A refused one leaves no trace in timm."""
    before = _snapshot()
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # timm warns of what is refused below
            load_plugin(MODELS, name)
        _refuse_replacements(name, before["_model_entrypoints"])
    except PluginError as error:
        _restore(before)
        return str(error)
    root = plugin_entry_points(MODELS)[name].module.partition(".")[0]
    for arch, entry in registry._model_entrypoints.items():
        # By module too: the program may have imported the plugin before us.
        if arch not in before["_model_entrypoints"] or entry.__module__.partition(".")[0] == root:
            _owners[arch] = plugin_package(MODELS, name)
    return None


def _refuse_replacements(name: str, before: dict[str, Any]) -> None:
    clashes = sorted(
        arch for arch, entry in before.items() if registry._model_entrypoints.get(arch) is not entry
    )
    if clashes:
        raise PluginError(_shadow_sentence(name, clashes))


def _shadow_sentence(name: str, clashes: list[str]) -> str:
    names = ", ".join(f"'{arch}'" for arch in clashes)
    return (
        f"The plugin '{name}' of package {plugin_package(MODELS, name)} is refused: it would replace the network "
        f"{names} that exists already. Update or uninstall that package."
    )


def _snapshot() -> dict[str, Any]:
    return {table: _copied(getattr(registry, table)) for table in _TABLES}


def _copied(table: Any) -> Any:
    """Copy two levels deep: timm changes the sets, lists and dictionaries inside its tables in place."""
    if isinstance(table, dict):
        return {
            key: copy.copy(value) if isinstance(value, _CONTAINERS) else value for key, value in table.items()
        }
    return set(table)


def _restore(snapshot: dict[str, Any]) -> None:
    for table, content in snapshot.items():
        current = getattr(registry, table)
        current.clear()
        current.update(content)
