"""The processes that torchrun started: how many there are, which one this is, and how they begin a run together.

The first process alone reads the command line, prepares the network, and writes the run directory. The others get
config, network and checkpoint from it over the network; each machine needs the images, and nothing else.
"""

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any, TypeVar, final

import torch.distributed as dist

from imgclf.errors import ConfigError, ImgclfError
from imgclf.recipes import HardwareConfig
from imgclf.training.processes.agreement import lost_process_told

Result = TypeVar("Result")

# A process that dies is noticed at once, because its connections close. Only a machine that vanishes without a word
# (power, network) takes this long; the longest honest silence is a checkpoint on a slow disk.
SILENCE = timedelta(minutes=10)
_DOWNLOAD = timedelta(days=1)


def under_torchrun() -> bool:
    """Return whether torchrun started this process."""
    return dist.is_available() and dist.is_torchelastic_launched()


def is_first() -> bool:
    """Return whether this is the process that talks and writes; without torchrun it is."""
    return not under_torchrun() or os.environ["RANK"] == "0"


def is_first_on_machine() -> bool:
    """Return whether this process speaks for its machine; without torchrun it does."""
    return not under_torchrun() or os.environ["LOCAL_RANK"] == "0"


def as_started(hardware: HardwareConfig) -> HardwareConfig:
    """Return the hardware with the devices and nodes that torchrun started; without torchrun, as it is.

    Raises:
        ConfigError: other numbers were asked for, or the machines have unequal numbers of processes.
    """
    if not under_torchrun():
        return hardware
    devices, nodes = int(os.environ["LOCAL_WORLD_SIZE"]), int(os.environ["GROUP_WORLD_SIZE"])
    total = int(os.environ["WORLD_SIZE"])
    if devices * nodes != total:
        raise ConfigError(
            f"torchrun started {total} processes on {nodes} machines, {devices} of them here; each machine needs as "
            f"many as the others. Start torchrun with the same --nproc-per-node everywhere."
        )
    asked, started = (hardware.devices, hardware.nodes), (devices, nodes)
    if asked not in ((1, 1), started):
        raise ConfigError(
            f"hardware asks for {_counted(*asked)}, but torchrun started {_counted(*started)}. Start it with "
            f"--nnodes {asked[1]} --nproc-per-node {asked[0]}, or give imgclf --devices {devices} --nodes {nodes}."
        )
    return hardware.model_copy(update={"devices": devices, "nodes": nodes})


@final
class Group:
    """The processes of a run before its loop begins; alone, each method just calls its argument.

    Args:
        channel: how they talk; None is a process alone.
    """

    def __init__(self, channel: dist.ProcessGroup | None = None) -> None:
        self._channel = channel

    @property
    def first(self) -> bool:
        """Whether this is the process that talks and writes."""
        return self._channel is None or dist.get_rank() == 0

    @property
    def alone(self) -> bool:
        """Whether there is no other process."""
        return self._channel is None

    def from_first(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in the first process; return what it returned, or raise its error, in every process."""
        if self._channel is None:
            return work()
        outcome = [_attempt(work) if self.first else None]
        dist.broadcast_object_list(outcome, src=0, group=self._channel)
        result, error = outcome[0]  # type: ignore[misc]
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def in_all(self, work: Callable[[], Result]) -> Result:
        """Call ``work`` in every process, on each machine in its first one before the others; return its result.

        So a download happens once a machine, and the others find it done.

        Raises:
            ImgclfError: the error of any process, in all of them.
        """
        if self._channel is None:
            return work()
        result, error = _attempt(work) if is_first_on_machine() else (None, None)
        self._raise_any(error)
        if not is_first_on_machine():
            result, error = _attempt(work)
        self._raise_any(error)
        return result  # type: ignore[return-value]

    def _raise_any(self, error: ImgclfError | None) -> None:
        errors: list[Any] = [None] * dist.get_world_size()
        dist.all_gather_object(errors, error and (error, socket.gethostname()), group=self._channel)
        for rank, (found, machine) in ((rank, found) for rank, found in enumerate(errors) if found):
            if rank == 0:
                raise found
            raise ImgclfError(f"Process {rank} on {machine}: {found}") from None


@contextmanager
def joined() -> Iterator[Group]:
    """Meet the other processes that torchrun started; without torchrun there are none.

    Raises:
        LostProcessError: another process ended.
    """
    if not under_torchrun() or os.environ["WORLD_SIZE"] == "1":
        yield Group()
        return
    with lost_process_told():
        dist.init_process_group(timeout=SILENCE)  # Fabric finds it and uses it.
        try:
            channel = dist.new_group(backend="gloo", timeout=_DOWNLOAD)
            assert isinstance(channel, dist.ProcessGroup)  # All processes are members.
            yield Group(channel)
        finally:
            dist.destroy_process_group()


def _attempt(work: Callable[[], Result]) -> tuple[Result | None, ImgclfError | None]:
    try:
        return work(), None
    except ImgclfError as error:
        return None, error


def _counted(devices: int, nodes: int) -> str:
    return f"{devices} {'process' if devices == 1 else 'processes'} on {nodes} {'machine' if nodes == 1 else 'machines'}"
