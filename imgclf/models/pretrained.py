"""Where pretrained weights come from: a plugin's package, a cache, or the network when there is one."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import torch
from huggingface_hub import constants, is_offline_mode, try_to_load_from_cache
from timm.models import PretrainedCfg, get_pretrained_cfg

from imgclf.errors import ModelError
from imgclf.models.names import NetworkName
from imgclf.models.reachable import is_reachable
from imgclf.words import first_line

_ADVICE = "Give a local file with --weights FILE, or train from scratch with --no-pretrained."


@dataclass(frozen=True)
class PretrainedWeights:
    """Weights that are at hand, or that a server seems to have.

    Attributes:
        cfg: what timm knows of them.
        source: what to call them ("timm resnet18.a1_in1k").
        overlay: for timm's ``pretrained_cfg_overlay``; says where the local file is, empty where timm finds it.
    """

    cfg: PretrainedCfg
    source: str
    overlay: Mapping[str, Any] = field(default_factory=dict)


def find_pretrained(network: NetworkName, wish: str) -> tuple[PretrainedWeights | None, str | None]:
    """Decide which pretrained weights to start from; takes three seconds at most.

    Args:
        network: the network.
        wish: ``auto`` takes them when they are at hand, ``yes`` insists, ``no`` declines.

    Returns:
        The weights or None, and a note for the user where there are none although ``auto`` looked.

    Raises:
        ModelError: ``yes``, and there are none or they are out of reach; or an unknown wish.
    """
    if wish == "no":
        return None, None
    if wish not in ("auto", "yes"):
        raise ModelError(f"Unknown value '{wish}' for pretrained. Expected auto, yes or no.")
    cfg = get_pretrained_cfg(network.name)
    if cfg is None or not cfg.has_weights:
        return _none(wish, f"'{network.name}' has no pretrained weights")
    source = f"{network.origin} {'.'.join(filter(None, (network.arch, cfg.tag)))}"
    if cfg.file:
        if Path(cfg.file).is_file():
            return PretrainedWeights(cfg, source), None
        return _none(wish, f"The weights file of '{network.name}' is missing ({cfg.file})")
    cached = _cached_file(cfg)
    if cached:
        overlay = {"file": str(cached), "custom_load": cfg.custom_load}
        return PretrainedWeights(cfg, source, overlay), None
    if is_offline_mode():
        return _none(wish, f"HF_HUB_OFFLINE is set and no weights of '{network.name}' are cached")
    server = _server(cfg)
    if not is_reachable(server):
        host = urlsplit(server).netloc
        return _none(wish, f"No network and no cached weights of '{network.name}' ({host} does not answer)")
    return PretrainedWeights(cfg, source), None


def without_pretrained(wish: str, network: NetworkName, error: Exception) -> str:
    """Return the note that says that weights could not be loaded after all; ``yes`` makes it an error.

    Raises:
        ModelError: ``yes``.
    """
    why = f"The pretrained weights of '{network.name}' could not be loaded ({first_line(error)})"
    _, note = _none(wish, why)
    assert note is not None
    return note


def _none(wish: str, why: str) -> tuple[None, str]:
    if wish == "yes":
        raise ModelError(f"{why}. {_ADVICE}")
    return None, f"{why}: training from scratch."


def _server(cfg: PretrainedCfg) -> str:
    if cfg.hf_hub_id:
        return str(constants.ENDPOINT)
    parts = urlsplit(_url(cfg))
    return f"{parts.scheme}://{parts.netloc}"


def _url(cfg: PretrainedCfg) -> str:
    return cfg.url if isinstance(cfg.url, str) else str((cfg.url or ("",))[0])


def _cached_file(cfg: PretrainedCfg) -> Path | None:
    """Return the weights file that an earlier download left, as timm would find it."""
    if cfg.hf_hub_id:
        repository, _, revision = cfg.hf_hub_id.partition("@")
        for name in _hub_names(cfg):
            found = try_to_load_from_cache(repository, name, revision=revision or None)
            if isinstance(found, str):
                return Path(found)
    if cfg.url:
        found_by_url = Path(torch.hub.get_dir()) / "checkpoints" / urlsplit(_url(cfg)).path.rsplit("/", 1)[-1]
        return found_by_url if found_by_url.is_file() else None
    return None


def _hub_names(cfg: PretrainedCfg) -> tuple[str, ...]:
    if not cfg.hf_hub_filename:
        return ("model.safetensors", "pytorch_model.bin")
    safe = cfg.hf_hub_filename.replace("pytorch_model.bin", "model.safetensors")
    return (safe, cfg.hf_hub_filename) if safe != cfg.hf_hub_filename else (safe,)
