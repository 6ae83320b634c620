"""Read a local file of weights: safetensors, our own model file, or a state dict. Nothing in it is executed."""

import argparse
import json
import pickle
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from torch import Tensor

from imgclf.errors import ModelError
from imgclf.records import ModelHeader

# Where training scripts put the weights inside a checkpoint; averaged weights first.
_INSIDE = (
    "state_dict_ema",
    "model_ema",
    "ema",
    "state_dict",
    "model_state_dict",
    "model",
    "weights",
    "network",
)
_TRAINING_STATE = {"format", "header", "trainer"}  # the keys of a run's checkpoint
_HIDDEN_HEAD = "hidden_head."  # our own head is not the network's


@dataclass(frozen=True, eq=False)
class WeightsFile:
    """The content of a weights file.

    Attributes:
        path: where it lies.
        tensors: parameters and buffers by the names in the file.
        header: what a model file of ours says of itself, else None.
    """

    path: Path
    tensors: Mapping[str, Tensor]
    header: ModelHeader | None = None


def read_weights_file(path: Path) -> WeightsFile:
    """Read weights from a file, or from the model file of a run directory.

    Raises:
        ModelError: it is missing, empty, damaged, holds no tensors, or holds Python objects.
    """
    if path.is_dir():
        path = path / "model.safetensors"
    if not path.is_file():
        raise ModelError(f"The weights file '{path}' does not exist.")
    try:
        content, header = _read_safetensors(path) if _is_safetensors(path) else (_read_pickle(path), None)
    except OSError as error:
        raise ModelError(f"The weights file '{path}' cannot be read ({error.strerror or error}).") from None
    if isinstance(content, Mapping) and content.keys() >= _TRAINING_STATE:
        raise ModelError(
            f"The weights file '{path}' is the training state of a run. To go on with that run: imgclf train --resume "
            f"{path.parent}. To start another from its weights: --weights {path.parent}"
        )
    tensors = {
        name: value for name, value in _find_tensors(content).items() if not name.startswith(_HIDDEN_HEAD)
    }
    if not tensors:
        raise ModelError(
            f"The weights file '{path}' holds no tensors. Expected safetensors or the state dict of a network."
        )
    return WeightsFile(path, tensors, header)


def _is_safetensors(path: Path) -> bool:
    """Tell by the content: eight bytes of length, then JSON. A wrong suffix is common."""
    with path.open("rb") as file:
        start = file.read(9)
    return path.suffix == ".safetensors" or start[8:9] == b"{"


def _read_safetensors(path: Path) -> tuple[dict[str, Tensor], ModelHeader | None]:
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - no mapping
    except SafetensorError as error:
        raise _damaged(path, error) from None
    try:
        header = ModelHeader.from_dict(json.loads(metadata["imgclf"])) if "imgclf" in metadata else None
    except (ValueError, KeyError, TypeError, AttributeError):
        header = None  # The tensors are whole; what the header adds is a convenience here.
    return tensors, header


def _read_pickle(path: Path) -> Any:
    try:
        with warnings.catch_warnings(), torch.serialization.safe_globals([argparse.Namespace]):
            warnings.simplefilter("ignore")  # of pickle protocols
            # timm's training script keeps its arguments beside the weights, in a Namespace: plain values.
            return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        if not _is_pickle(path):
            raise _damaged(path, error) from None
        raise ModelError(
            f"The weights file '{path}' is refused: it holds Python objects beside tensors, and opening those can "
            f"run any code. Ask its author for safetensors, or for the plain state dict: "
            f"torch.save(model.state_dict(), FILE)"
        ) from None
    except OSError:
        raise
    except Exception as error:  # torch raises RuntimeError, EOFError, KeyError and more on damaged files.
        raise _damaged(path, error) from None


def _is_pickle(path: Path) -> bool:
    """Tell a whole pickle, bare or in torch's zip, whose content is not allowed, from no pickle at all."""
    with path.open("rb") as file:
        return file.read(2) in (b"PK", b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05")


def _damaged(path: Path, error: Exception) -> ModelError:
    if path.stat().st_size == 0:
        return ModelError(f"The weights file '{path}' is empty (0 bytes).")
    return ModelError(
        f"The weights file '{path}' is damaged or no weights file ({type(error).__name__}). Expected safetensors or "
        f"a state dict that torch.save wrote."
    )


def _find_tensors(content: Any) -> dict[str, Tensor]:
    """Look through the layers that training scripts wrap around a state dict."""
    while isinstance(content, Mapping):
        inside = next((content[key] for key in _INSIDE if isinstance(content.get(key), Mapping)), None)
        if inside is None:
            break
        content = inside
    if not isinstance(content, Mapping):
        return {}
    return {str(name): value for name, value in content.items() if isinstance(value, Tensor)}
