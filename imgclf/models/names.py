"""Which network a name means: timm's, ours or a plugin's, and the nearest one where it means none."""

from dataclasses import dataclass, replace

from timm.models import get_arch_name, get_deprecated_models, get_pretrained_cfg, is_model, list_models

import imgclf.models.nets as our_nets
from imgclf.errors import ModelError, suggest
from imgclf.models.plugged import load_all_plugins, load_plugin_for, plugin_of


@dataclass(frozen=True)
class NetworkName:
    """A name that timm's registry knows.

    Attributes:
        name: the name to create the network by, with its pretrained tag where one was given.
        arch: the name without its tag.
        origin: ``timm``, ``imgclf`` or the plugin's package and version.
        notes: one-line messages about what became of the given name.
    """

    name: str
    arch: str
    origin: str
    notes: tuple[str, ...] = ()


def find_network(name: str) -> NetworkName:
    """Look a name up, importing the plugin that provides it where there is one.

    Args:
        name: a timm name, with or without a pretrained tag ("resnet18", "resnet18.a1_in1k").

    Raises:
        ModelError: no network has this name, or it has no pretrained tag of this name.
        PluginError: the plugin that declares the name is broken, or shadows another network.
    """
    if any(mark in name for mark in ":/\\"):
        raise ModelError(
            f"'{name}' is no timm name. Expected one that 'imgclf models' lists; weights in a local file are "
            f"read with: --model NAME --weights FILE"
        )
    arch = get_arch_name(name)
    load_plugin_for(arch)
    problems: tuple[str, ...] = ()
    if not is_model(arch):
        # A plugin may register more names than the one that it declares.
        problems = load_all_plugins()
    if not is_model(arch):
        raise ModelError(_unknown(arch, problems))
    found = NetworkName(name, arch, origin_of(arch), problems)
    if arch in get_deprecated_models():
        return _renamed(found)
    _check_tag(found)
    return found


def origin_of(arch: str) -> str:
    """Return ``timm``, ``imgclf`` or the plugin's package and version."""
    return "imgclf" if arch in our_nets.NAMES else plugin_of(arch) or "timm"


def _renamed(found: NetworkName) -> NetworkName:
    current = get_deprecated_models()[found.arch]
    if not current:
        raise ModelError(f"timm has removed '{found.arch}' and names no successor. See: imgclf models")
    note = f"timm calls '{found.arch}' '{current}' now."
    return replace(find_network(current), notes=(*found.notes, note))


def _check_tag(found: NetworkName) -> None:
    try:
        get_pretrained_cfg(found.name)
    except RuntimeError:
        tags = list_models(f"{found.arch}.*", pretrained=True, include_tags=True)
        known = f"Known: {', '.join(tags)}." if tags else "It has no pretrained weights."
        raise ModelError(
            f"'{found.arch}' has no pretrained tag of the name '{found.name}'.{suggest(found.name, tags)} {known}"
        ) from None


def _unknown(arch: str, problems: tuple[str, ...]) -> str:
    hint = suggest(arch, list_models()) or " See all names with: imgclf models"
    return " ".join([f"Unknown model '{arch}'.{hint}", *problems])
