"""Start the work in as many processes as the config asks for."""

import logging
import multiprocessing
import os
import pickle
import random
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import Queue
from types import FrameType
from typing import Any, TypeVar

import torch.multiprocessing
from lightning_fabric import Fabric
from torch.multiprocessing.spawn import ProcessExitedException

from imgclf.data import cores
from imgclf.errors import ConfigError, ImgclfError, LostProcessError
from imgclf.recipes import HardwareConfig
from imgclf.records import EpochRecord, Progress
from imgclf.training.precision import fabric_precision
from imgclf.training.processes.torchrun import under_torchrun
from imgclf.training.reporter import Reporter, SilentReporter

_PORTS = range(20_000, 30_000)
Result = TypeVar("Result")
Work = Callable[..., Result]


def launch(hardware: HardwareConfig, reporter: Reporter, work: Work[Result], *arguments: Any) -> Result:
    """Call ``work(fabric, reporter, *arguments)`` in every process and return the first one's result.

    One process runs right here. Several on one machine are spawned, and what the first one reports comes back through
    a queue. Under torchrun the processes exist already, on as many machines as torchrun was told.

    Args:
        hardware: resolved device, devices, nodes, strategy and precision.
        reporter: who listens, in this process.
        work: a module-level function; spawned processes import it by name.
        arguments: picklable.

    Raises:
        ConfigError: several machines were asked for without torchrun.
        LostProcessError: a process was ended from outside.
    """
    if hardware.nodes > 1 and not under_torchrun():
        raise ConfigError(
            f"hardware.nodes: {hardware.nodes} machines need a launcher on each of them. Start the same command with: "
            f"torchrun --nnodes {hardware.nodes} --nproc-per-node {hardware.devices} ... -m imgclf train ..."
        )
    if hardware.devices == 1 or under_torchrun():
        fabric = _fabric(hardware)
        fabric.launch()
        # torch counts the machine's cores; a container's quota would only make the threads wait for each other.
        torch.set_num_threads(min(torch.get_num_threads(), cores()))
        return work(fabric, reporter if fabric.is_global_zero else SilentReporter(), *arguments)
    with _forwarded_termination():
        return _spawn(hardware, reporter, work, *arguments)


def _spawn(hardware: HardwareConfig, reporter: Reporter, work: Work[Result], *arguments: Any) -> Result:
    with torch.multiprocessing.get_context("spawn").Manager() as manager:
        messages: Queue[tuple[str, Any] | None] = manager.Queue()
        listener = threading.Thread(target=_listen, args=(messages, reporter))
        listener.start()
        try:
            start: Any = _work_and_report  # Fabric types its function by the first argument alone
            # As bytes: torch would put the tensors of the arguments into memory that all processes share.
            with _meeting_point():
                fabric = _fabric(hardware)
                outcome = pickle.loads(fabric.launch(start, messages, pickle.dumps((work, arguments))))
        except ProcessExitedException as error:
            raise LostProcessError(
                f"Process {error.error_index} of {hardware.devices} was ended from outside ({_cause(error)}), so the run "
                f"stopped. Its checkpoint is as the last epoch left it: imgclf train --resume RUN continues there."
            ) from None
        finally:
            messages.put(None)
            listener.join()
    if isinstance(outcome, ImgclfError):
        raise outcome
    result: Result = outcome
    return result


@contextmanager
def _meeting_point() -> Iterator[None]:
    """Name the port where the processes find each other, unless the environment does.

    Fabric takes one that the system has just given back, and listens there seconds later, when the processes have
    imported torch: by then the system may have given it to another program. Below the range from which systems give
    ports away (32768 and up on Linux, 49152 elsewhere) nobody comes in between.
    """
    if "MASTER_PORT" in os.environ:
        yield
        return
    os.environ["MASTER_PORT"] = str(_free_port())
    try:
        yield
    finally:
        os.environ.pop("MASTER_PORT", None)


def _free_port() -> int:
    for port in random.SystemRandom().sample(_PORTS, len(_PORTS)):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
    raise ConfigError(
        f"No port from {_PORTS.start} to {_PORTS.stop - 1} is free for the processes to meet at. Name one in the "
        f"environment variable MASTER_PORT."
    )


def _cause(error: ProcessExitedException) -> str:
    return error.signal_name or f"exit code {error.exit_code}"


def _fabric(hardware: HardwareConfig) -> Fabric:
    # It announces the precision, which we have said already in our own words.
    logging.getLogger("lightning_fabric").setLevel(logging.WARNING)
    strategy: str = hardware.strategy
    if strategy in ("auto", "ddp") and hardware.devices > 1 and not under_torchrun():
        # A spawned process runs one function; Fabric's own default would start the whole command line again.
        strategy = "ddp_spawn"
    return Fabric(
        accelerator=hardware.device,
        devices=hardware.devices,
        num_nodes=hardware.nodes,
        strategy=strategy,
        precision=fabric_precision(hardware.precision),  # type: ignore[arg-type]
    )


def _work_and_report(fabric: Fabric, messages: "Queue[tuple[str, Any] | None]", task: bytes) -> bytes:
    """Run in a spawned process and return the pickled result, or the pickled user's mistake.

    A mistake travels back as a value, without the launcher's traceback; both as bytes, because Fabric takes apart
    what it is given and refuses frozen dataclasses.
    """
    work, arguments = pickle.loads(task)
    if fabric.device.type == "cpu":
        torch.set_num_threads(max(1, cores() // fabric.world_size))
    try:
        reporter = _QueueReporter(messages if fabric.is_global_zero else None)
        return pickle.dumps(work(fabric, reporter, *arguments))
    except ImgclfError as error:
        return pickle.dumps(error)


@contextmanager
def _forwarded_termination() -> Iterator[None]:
    """Pass SIGTERM on to the spawned processes; a terminal sends SIGINT to all of them by itself.

    The parent only waits: each process saves and stops by its own handler, and the parent ends with their answer.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def forward(number: int, _: FrameType | None) -> None:
        for child in multiprocessing.active_children():
            if child.pid is not None and not child.name.startswith("SyncManager"):
                os.kill(child.pid, number)

    previous = {signal.SIGTERM: signal.signal(signal.SIGTERM, forward)}
    previous[signal.SIGINT] = signal.signal(signal.SIGINT, lambda number, frame: None)
    try:
        yield
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _listen(messages: "Queue[tuple[str, Any] | None]", reporter: Reporter) -> None:
    while (message := messages.get()) is not None:
        method, arguments = message
        getattr(reporter, method)(*arguments)


class _QueueReporter:
    """Sends what it is told to the parent process; without a queue it says nothing."""

    def __init__(self, messages: "Queue[tuple[str, Any] | None] | None") -> None:
        self._messages = messages

    def message(self, text: str) -> None:
        self._send("message", text)

    def warning(self, text: str) -> None:
        self._send("warning", text)

    def progress(self, progress: Progress) -> None:
        self._send("progress", progress)

    def epoch(self, record: EpochRecord, improved: bool) -> None:
        self._send("epoch", record, improved)

    def _send(self, method: str, *arguments: Any) -> None:
        if self._messages is not None:
            self._messages.put((method, arguments))
