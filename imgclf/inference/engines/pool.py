"""How many workers a cluster can hold, and what each of them is given."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_MOST_THREADS = 8
"""Threads that read images for one GPU: more of them wait for Python's lock."""


@dataclass(frozen=True)
class Pool:
    """The workers of a job.

    Attributes:
        workers: how many.
        cpus: CPUs for each; as many threads read images.
        gpus: GPUs for each, 0 or 1.
        device: what each is told to compute on.
        machines: how many machines there are.
    """

    workers: int
    cpus: int
    gpus: int
    device: str
    machines: int

    def __str__(self) -> str:
        """Say it as part of a sentence."""
        each = f"a GPU and {_count(self.cpus, 'CPU')}" if self.gpus else _count(self.cpus, "CPU")
        return f"{_count(self.workers, 'worker')} of {each} on {_count(self.machines, 'machine')}"


def plan_pool(machines: Sequence[Mapping[str, float]], device: str) -> Pool:
    """Plan a worker a GPU where there are some and the device allows it, else a worker a CPU.

    Workers of one thread beat threads in one worker: decoding is partly Python, which computes in one thread.

    Args:
        machines: what each machine has: ``CPU`` and ``GPU``.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
    """
    with_gpus = [machine for machine in machines if machine.get("GPU", 0) >= 1]
    if with_gpus and device in ("auto", "cuda"):
        cpus = min(int(machine.get("CPU", 1) // machine["GPU"]) for machine in with_gpus)
        gpus = sum(int(machine["GPU"]) for machine in with_gpus)
        return Pool(gpus, min(max(cpus, 1), _MOST_THREADS), 1, device, len(machines))
    cpus = sum(int(machine.get("CPU", 0)) for machine in machines)
    return Pool(max(cpus, 1), 1, 0, "cpu" if device == "auto" else device, len(machines))


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
