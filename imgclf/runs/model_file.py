"""The model file: weights as safetensors with one JSON header that says everything else.

Nothing in it is executed when it is read. The header lives in safetensors' own metadata under the key
``imgclf`` and is readable without torch. Format: https://github.com/huggingface/safetensors#format
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import IO, TYPE_CHECKING

from safetensors import SafetensorError, safe_open

from imgclf.atomic import write_atomically
from imgclf.errors import RunError
from imgclf.records import MODEL_FILE_FORMAT, ModelHeader
from imgclf.runs.header import checked_header, format_version
from imgclf.words import first_line

if TYPE_CHECKING:
    import torch

_KEY = "imgclf"


def save_model_file(path: Path, weights: Mapping[str, "torch.Tensor"], header: ModelHeader) -> None:
    """Write weights and header atomically.

    Args:
        path: where to, usually ``<run>/model.safetensors``.
        weights: the state dict of the classifier; tensors of any device.
        header: what the file says of itself.

    Raises:
        RunError: it could not be written; what was there before is intact.
    """
    from safetensors.torch import save  # noqa: PLC0415 - brings torch, which reading a header does without

    tensors = _apart({name: tensor.detach().cpu().contiguous() for name, tensor in weights.items()})
    content = save(tensors, metadata={_KEY: json.dumps(header.to_dict())})
    write_atomically(path, lambda file: file.write(content))


def _apart(tensors: dict[str, "torch.Tensor"]) -> dict[str, "torch.Tensor"]:
    """Give each name memory of its own, as safetensors wants: a module that is used twice has two names for one tensor."""
    first: dict[int, str] = {}
    return {
        name: tensor
        if first.setdefault(tensor.untyped_storage().data_ptr(), name) == name
        else tensor.clone()
        for name, tensor in tensors.items()
    }


def read_header(path: Path) -> ModelHeader:
    """Read what a model file says of itself, without its weights and without torch.

    Raises:
        RunError: it is missing, broken, not ours, or from a newer version.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path}: not a readable model file ({first_line(error)}).") from None
    if _KEY not in metadata:
        raise RunError(
            f"{path}: a safetensors file without imgclf's header. To start training from it: "
            f"imgclf train --weights {path}."
        )
    return _parse_header(path, metadata[_KEY])


def read_weights(path: Path) -> dict[str, "torch.Tensor"]:
    """Read the weights of a model file as CPU tensors.

    Raises:
        RunError: it is missing or broken.
    """
    from safetensors.torch import load_file  # noqa: PLC0415 - brings torch

    try:
        return dict(load_file(path))
    except (OSError, SafetensorError) as error:
        raise RunError(f"{path}: not a readable model file ({first_line(error)}).") from None


def update_header(path: Path, header: ModelHeader) -> None:
    """Rewrite a model file with the same weights, byte for byte, and another header (a fitted temperature, say).

    Needs no torch.

    Raises:
        RunError: it is missing or broken, or could not be written; what was there before is intact then.
    """
    read_header(path)
    with path.open("rb") as old:
        length = int.from_bytes(old.read(8), "little")
        tensors = json.loads(old.read(length))
        tensors["__metadata__"] = {**tensors["__metadata__"], _KEY: json.dumps(header.to_dict())}
        text = json.dumps(tensors).encode()
        text += b" " * (-len(text) % 8)  # the tensors begin at a multiple of eight, for whoever maps them
        write_atomically(path, partial(_write_with_header, text, old))


def _write_with_header(text: bytes, old: IO[bytes], new: IO[bytes]) -> None:
    new.write(len(text).to_bytes(8, "little") + text)
    shutil.copyfileobj(old, new, 1 << 20)


def fingerprint(path: Path) -> str:
    """Return the first 16 hexadecimal digits of the file's SHA-256."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def identity(path: Path) -> str:
    """Return 16 hexadecimal digits that say whether rows of two calls come from the same model.

    A temperature or threshold that was fitted in between makes no other model of it, nor does provenance; of a file
    that is not ours it is the :func:`fingerprint`.

    Raises:
        RunError: a ``.safetensors`` file that is broken, or not ours.
    """
    if path.suffix != ".safetensors":
        return fingerprint(path)
    settled = {"temperature", "threshold", "provenance"}
    kept = {key: value for key, value in read_header(path).to_dict().items() if key not in settled}
    digest = hashlib.sha256(json.dumps(kept, sort_keys=True).encode())
    with path.open("rb") as file:
        file.seek(
            8 + int.from_bytes(file.read(8), "little")
        )  # the weights lie behind safetensors' own header
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest()[:16]


def _parse_header(path: Path, text: str) -> ModelHeader:
    try:
        version = format_version(text)
        if version > MODEL_FILE_FORMAT:
            raise RunError(
                f"{path}: written by a newer imgclf (file format {version}, this version reads up to "
                f"{MODEL_FILE_FORMAT}). Update with: pip install --upgrade imgclf"
            )
        return checked_header(text)
    except json.JSONDecodeError:
        raise RunError(f"{path}: its imgclf header is damaged; fetch or train the model again.") from None
    except ValueError as error:
        raise RunError(
            f"{path}: its imgclf header is damaged ({error}); fetch or train the model again."
        ) from None
