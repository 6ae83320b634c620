"""Kill a process inside its saves, many times, and read what it leaves: ``python -m tests.training.killed_saves DIR N``.

One process imports torch and forks the others, since a start of Python with torch takes seconds.
"""

import os
import random
import signal
import sys
import time
from itertools import count
from pathlib import Path
from typing import NoReturn

import torch

from imgclf.records import ModelHeader, Preprocessing
from imgclf.runs import read_header, read_weights, save_model_file
from imgclf.training.run.checkpoint import load_checkpoint, save_checkpoint

HEADER = ModelHeader(
    arch="resnet9",
    arch_args={},
    head={},
    class_names=("a", "b"),
    preprocessing=Preprocessing(
        image_size=(32, 32),
        mean=(0.0,),
        std=(1.0,),
        resize_mode="crop",
        crop_fraction=1.0,
        interpolation="bilinear",
    ),
)


def save_for_ever(folder: Path, first: int, acknowledge: int) -> NoReturn:
    """Save both files again and again, each with its number, and tell the number when both are written."""
    for number in count(first):
        weights = {"weight": torch.full((50_000,), float(number))}
        save_checkpoint(folder / "last.ckpt", {"number": number, **weights})
        save_model_file(folder / "model.safetensors", weights, HEADER)
        os.write(acknowledge, f"{number}\n".encode())
    raise AssertionError


def kill_once(folder: Path, first: int, moment: float) -> int:
    """Fork, kill after the first acknowledged save and a moment; return the last number that was acknowledged."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        save_for_ever(folder, first, write)
    os.close(write)
    with os.fdopen(read) as acknowledged:
        told = [acknowledged.readline()]
        time.sleep(moment)
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)
        told += acknowledged.read().split()
    return int(told[-1])


def check(folder: Path, acknowledged: int) -> int:
    """Read both files; return the newest number of the two."""
    state = load_checkpoint(folder / "last.ckpt")
    weights = read_weights(folder / "model.safetensors")["weight"]
    assert read_header(folder / "model.safetensors") == HEADER
    assert (state["weight"] == state["number"]).all()
    assert (weights == weights[0]).all()
    assert state["number"] >= acknowledged
    assert int(weights[0]) >= acknowledged
    return int(state["number"])


def main(folder: Path, times: int) -> None:
    """Kill so often, check after each, and say how many were killed between their first byte and their rename."""
    generator, number, inside = random.Random(0), 0, 0
    for _ in range(times):
        acknowledged = kill_once(folder, number + 1, generator.uniform(0, 0.01))
        number = check(folder, acknowledged)
        unfinished = list(folder.glob(".*"))
        inside += bool(unfinished)
        for file in unfinished:
            file.unlink()
    sys.stdout.write(f"{times} killed, {inside} inside a save, 0 lost\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
