"""The checkpoint: everything that makes a resumed run bit-equal to one that never stopped.

Tensors and plain values only, read back with ``weights_only=True``: a checkpoint cannot run code. There is no
random state in it, because every random draw is a function of seed, epoch and step (see loop/trainer.py).
"""

import pickle
import warnings
from pathlib import Path
from typing import Any

import torch

from imgclf.atomic import write_atomically
from imgclf.errors import RunError
from imgclf.words import first_line

CHECKPOINT_FORMAT = 1


def save_checkpoint(path: Path, state: dict[str, Any]) -> None:
    """Write the state atomically.

    Raises:
        RunError: it could not be written; the old checkpoint is intact.
    """
    write_atomically(path, lambda file: torch.save({"format": CHECKPOINT_FORMAT, **state}, file))


def remove_unfinished(folder: Path) -> None:
    """Remove what a process that was killed inside a save has left beside the whole files."""
    for name in ("last.ckpt", "model.safetensors"):
        for file in folder.glob(f".{name}.*"):
            file.unlink(missing_ok=True)


def load_checkpoint(path: Path) -> dict[str, Any]:
    """Read a checkpoint onto the CPU.

    Raises:
        RunError: it is missing, damaged, holds more than tensors and plain values, or is from a newer version.
    """
    if not path.is_file():
        raise RunError(
            f"{path}: there is no checkpoint to resume from. Start the training again: imgclf train"
        )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # torch warns of foreign pickles before it refuses them.
            state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
        version = int(state["format"])
    except (
        OSError,
        RuntimeError,
        EOFError,
        KeyError,
        TypeError,
        ValueError,
        pickle.UnpicklingError,
    ) as error:
        raise RunError(
            f"{path}: not a checkpoint that can be resumed ({first_line(error)[:120]}). The best weights so far are in "
            f"model.safetensors beside it: imgclf train --weights {path.with_name('model.safetensors')}"
        ) from None
    if version > CHECKPOINT_FORMAT:
        raise RunError(
            f"{path}: written by a newer imgclf (checkpoint format {version}, this version reads up to "
            f"{CHECKPOINT_FORMAT}). Update with: pip install --upgrade imgclf"
        )
    return state
