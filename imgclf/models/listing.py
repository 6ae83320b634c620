"""Which networks there are: timm's, ours and those of plugins."""

from dataclasses import dataclass

import timm
from timm.models import get_pretrained_cfg

import imgclf.models.nets  # noqa: F401 - registers our networks with timm
from imgclf.errors import ModelError, suggest
from imgclf.models.build import build_on_meta
from imgclf.models.names import origin_of
from imgclf.models.plugged import load_all_plugins

_COUNTED = 30  # networks whose parameters a listing counts by building them; all of timm's would take minutes


@dataclass(frozen=True)
class ModelListing:
    """What a listing says of a network.

    Attributes:
        name: the timm name without a tag.
        origin: ``timm``, ``imgclf`` or the plugin's package and version.
        parameters: their number with the network's own classifier, or None where it was not counted.
        image_size: (height, width) in pixels that its default weights were trained with.
        pretrained: tags of its pretrained weights, the default first; a tag tells recipe and data (``a1_in1k``).
    """

    name: str
    origin: str
    parameters: int | None
    image_size: tuple[int, int] | None
    pretrained: tuple[str, ...]


def list_models(
    pattern: str = "", *, pretrained_only: bool = False, count: bool | None = None
) -> list[ModelListing]:
    """List the networks whose name matches.

    Args:
        pattern: part of a name, or a pattern with ``*`` and ``?``; empty lists all.
        pretrained_only: only those with pretrained weights.
        count: count the parameters; by default where there are at most 30 matches.

    Raises:
        ModelError: nothing matches, or nothing that matches has pretrained weights.
    """
    load_all_plugins()
    wildcard = pattern if any(mark in pattern for mark in "*?[") else f"*{pattern}*"
    names = timm.list_models(wildcard)
    if not names:
        raise ModelError(
            f"No model matches '{pattern}'.{suggest(pattern, timm.list_models())} See all with: imgclf models"
        )
    tags = _tags_by_name()
    found = [name for name in names if name in tags or not pretrained_only]
    if not found:
        raise ModelError(f"No model that matches '{pattern}' has pretrained weights.")
    counted = len(found) <= _COUNTED if count is None else count
    return [_listing(name, tags.get(name, ()), counted) for name in found]


def plugin_problems() -> tuple[str, ...]:
    """Return one line for each model plugin that is broken or refused."""
    return load_all_plugins()


def _listing(name: str, tags: tuple[str, ...], counted: bool) -> ModelListing:
    cfg = get_pretrained_cfg(name)
    size = (cfg.input_size[1], cfg.input_size[2]) if cfg else None
    return ModelListing(name, origin_of(name), _count(name) if counted else None, size, tags)


def _count(name: str) -> int | None:
    cfg = get_pretrained_cfg(name)
    try:
        network = build_on_meta(name, cfg.num_classes if cfg else 1000, {})
    except ModelError:
        return None
    return sum(int(parameter.numel()) for parameter in network.parameters())


def _tags_by_name() -> dict[str, tuple[str, ...]]:
    """Return the tags of pretrained weights by network, the default first; an empty tag is called ``default``."""
    tags: dict[str, list[str]] = {}
    for full in timm.list_models(pretrained=True, include_tags=True):
        name, _, tag = full.partition(".")
        cfg = get_pretrained_cfg(name)
        is_default = cfg is not None and (cfg.tag or "") == tag
        known = tags.setdefault(name, [])
        known.insert(0 if is_default else len(known), tag or "default")
    return {name: tuple(each) for name, each in tags.items()}
