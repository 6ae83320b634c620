"""Several processes under torchrun: one run, what one process would learn, and an orderly end when one is lost."""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from lightning_fabric import Fabric
from torch.multiprocessing.spawn import spawn

from imgclf.data import Examples, Splits
from imgclf.errors import ConfigError, DataError, ImgclfError, LostProcessError, RunError, UsageError
from imgclf.recipes import Config
from imgclf.recipes.config import HardwareConfig
from imgclf.runs import Run, list_runs, read_weights
from imgclf.training import follow, train
from imgclf.training.processes.agreement import check_same_count, lost_process_told, of_all
from imgclf.training.processes.torchrun import as_started, is_first, is_first_on_machine, joined
from imgclf.training.run.session import check_same_everywhere
from tests.history import read_history

# A network without batch normalisation, whose statistics are each process's own; all else agrees with one process.
SETTINGS = ("model.name=test_convnext", "image.size=32", "augment.transforms=[]", "model.pretrained=no")


def torchrun(
    *arguments: str | Path, processes: int = 2, inside: tuple[str, ...] = ()
) -> subprocess.Popen[str]:
    """Start ``imgclf train`` on the CPU under torchrun, with torchrun's own options before ``train``."""
    where = arguments.index("train")
    launcher = [*inside, sys.executable, "-m", "torch.distributed.run", "--nproc-per-node", str(processes)]
    options = ["--device", "cpu", "--precision", "fp32"]
    command = [*launcher, *arguments[:where], "-m", "imgclf", *arguments[where:], *options]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        [str(part) for part in command],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,
    )


def ended(process: subprocess.Popen[str], seconds: float = 150) -> tuple[int, str, str]:
    """Wait for a command; return exit code, stdout and stderr."""
    try:
        out, err = process.communicate(timeout=seconds)
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
    return process.returncode, out, err


def train_arguments(folder: Path, epochs: int, batch_size: int = 9) -> list[str | Path]:
    """The command line of a tiny run."""
    settings = [part for setting in SETTINGS for part in ("--set", setting)]
    numbers = ["--epochs", str(epochs), "--batch-size", str(batch_size), "--val-fraction", "0.25"]
    return ["train", "--data", folder, *numbers, *settings]


def wait_for_checkpoint(parent: Path, process: subprocess.Popen[str]) -> Run:
    """Wait until the run in ``parent`` has finished an epoch."""
    until = time.monotonic() + 120
    while time.monotonic() < until and process.poll() is None:
        for run in list_runs(parent):
            if run.checkpoint.is_file():
                return run
        time.sleep(0.1)
    raise AssertionError(ended(process, 5))


def worker_of(torchrun_id: int, rank: int) -> int:
    """Return the id of the process that torchrun started as ``rank``."""
    for status in Path("/proc").glob("[0-9]*/stat"):
        with_parent = status.read_text().rpartition(") ")[2].split()
        if (
            int(with_parent[1]) == torchrun_id
            and f"\0RANK={rank}\0" in (status.parent / "environ").read_text()
        ):
            return int(status.parent.name)
    raise AssertionError(f"no process of rank {rank}")


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")
def test_a_killed_process_ends_the_others_and_the_run_goes_on(shapes: Path, tmp_path: Path) -> None:
    """The first process says so within seconds; ``--resume`` under torchrun finishes the run."""
    process = torchrun(*train_arguments(shapes, epochs=500))
    run = wait_for_checkpoint(tmp_path / "runs", process)
    os.kill(worker_of(process.pid, rank=1), signal.SIGKILL)
    code, _, err = ended(process, seconds=60)
    assert code == 1
    assert "Another process of this run ended or no longer answers" in err, err
    assert f"goes on with: imgclf train --resume {run.path.relative_to(tmp_path)}" in err
    assert run.read_metrics()["status"] == "failed"

    done = len(read_history(run))
    resumed = torchrun("train", "--resume", run.path, "--epochs", str(done + 1))
    code, _, err = ended(resumed)
    assert code == 0, err
    assert len(read_history(run)) == done + 1
    assert run.read_metrics()["status"] == "finished"


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="processes are found through /proc")
def test_a_killed_process_without_torchrun_is_a_sentence_too(shapes: Path, tmp_path: Path) -> None:
    """``--devices 2`` spawns two; when one of them is killed, the command says so and ends."""
    command = [sys.executable, "-m", "imgclf", *train_arguments(shapes, epochs=500), "--devices", "2"]
    process = subprocess.Popen(
        [*command, "--device", "cpu", "--precision", "fp32"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    run = wait_for_checkpoint(tmp_path / "runs", process)
    spawned = [child for child in children(process.pid) if b"spawn_main" in child.read_bytes()]
    os.kill(int(spawned[-1].parent.name), signal.SIGKILL)
    code, _, err = ended(process, seconds=60)
    assert code == 1
    assert re.search(
        r"Error: (Process \d of 2 was ended from outside|Another process of this run ended)", err
    ), err
    assert "Traceback" not in err
    assert run.read_metrics()["status"] == "failed"


def children(parent: int) -> list[Path]:
    """Return ``/proc/N/cmdline`` of the processes that ``parent`` started, oldest first."""
    found = [
        status.parent
        for status in Path("/proc").glob("[0-9]*/stat")
        if int(status.read_text().rpartition(") ")[2].split()[1]) == parent
    ]
    return [folder / "cmdline" for folder in sorted(found, key=lambda folder: int(folder.name))]


@contextmanager
def two_machines() -> Iterator[tuple[str, list[tuple[str, ...]]]]:
    """The first one's address, and for each the words that run a command inside.

    They are two network namespaces with a cable between them, where these can be made, else this machine twice.
    """
    names = [f"imgclf{os.getpid() % 10_000}{side}" for side in "ab"]
    first, second = (f"v{name[6:]}" for name in names)
    commands = [
        *(f"netns add {name}" for name in names),
        f"link add {first} netns {names[0]} type veth peer name {second} netns {names[1]}",
        f"-n {names[0]} addr add 10.99.0.1/24 dev {first}",
        f"-n {names[1]} addr add 10.99.0.2/24 dev {second}",
        *(f"-n {name} link set lo up" for name in names),
        f"-n {names[0]} link set {first} up",
        f"-n {names[1]} link set {second} up",
    ]
    try:
        if shutil.which("ip") and os.geteuid() == 0 and all(_ip(command) for command in commands):
            inside = "ip netns exec {} env GLOO_SOCKET_IFNAME={}"
            yield (
                "10.99.0.1",
                [
                    tuple(inside.format(name, device).split())
                    for name, device in zip(names, (first, second), strict=True)
                ],
            )
        else:
            yield "127.0.0.1", [(), ()]
    finally:
        for name in names if shutil.which("ip") else ():
            _ip(f"netns del {name}")


def _ip(command: str) -> bool:
    return subprocess.run(["ip", *command.split()], capture_output=True, check=False).returncode == 0


@pytest.mark.slow
def test_two_machines_train_one_run_and_learn_what_one_process_learns(
    shapes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two with batches of 9 end where one with 18 ends; only the first writes, and everything is said once."""
    processes = []
    with two_machines() as (address, machines):
        for number, inside in enumerate(machines):
            folder = tmp_path / f"machine-{number}"
            folder.mkdir()
            monkeypatch.chdir(folder)
            where = ("--nnodes", "2", "--node-rank", str(number), "--master-addr", address)
            arguments = (*where, "--master-port", "29417", *train_arguments(shapes, epochs=2), "--json")
            processes.append(torchrun(*arguments, processes=1, inside=inside))
        (code, out, err), (other_code, other_out, other_err) = (ended(process) for process in processes)
    assert code == other_code == 0, err + other_err
    (run,) = list_runs(tmp_path / "machine-0" / "runs")
    assert json.loads(out)["run"] == str(run.path.relative_to(tmp_path / "machine-0"))
    assert err.count("Epoch   1") == err.count("Epoch   2") == err.count("asked for") == 1
    assert list((tmp_path / "machine-1").iterdir()) == []
    assert other_out == ""
    assert "Epoch" not in other_err
    _check_against_one_process(run, shapes, tmp_path / "alone")


def _check_against_one_process(run: Run, folder: Path, out: Path) -> None:
    sections: dict[str, dict[str, Any]] = {
        "data": {"dataset": str(folder), "val_fraction": 0.25},
        "model": {"name": "test_convnext", "pretrained": "no"},
        "image": {"size": 32},
        "augment": {"transforms": []},
        "training": {"epochs": 2, "batch_size": 18},
        "hardware": {"device": "cpu", "precision": "fp32"},
    }
    alone = train(Config.model_validate(sections), out=out)
    for together, record in zip(read_history(run), alone.history, strict=True):
        for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "val_macro_f1", "lr"):
            assert together[name] == pytest.approx(record.to_dict()[name], rel=1e-3), name
    weights = read_weights(run.model_file)
    for name, tensor in read_weights(alone.run.model_file).items():
        torch.testing.assert_close(weights[name], tensor, rtol=1e-2, atol=1e-4)


@pytest.fixture
def started_by_torchrun(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Set the variables that torchrun gives its processes."""

    def start(rank: int = 0, local_rank: int = 0, local: int = 2, machines: int = 1, total: int = 2) -> None:
        values = {"RANK": rank, "LOCAL_RANK": local_rank, "LOCAL_WORLD_SIZE": local}
        values |= {"GROUP_WORLD_SIZE": machines, "WORLD_SIZE": total}
        monkeypatch.setenv("TORCHELASTIC_RUN_ID", "none")
        for name, value in values.items():
            monkeypatch.setenv(name, str(value))

    return start


def test_torchrun_decides_how_many_processes_there_are(started_by_torchrun: Callable[..., None]) -> None:
    """--devices and --nodes may be left out, or say the same."""
    assert as_started(HardwareConfig(devices=3)) == HardwareConfig(devices=3)
    started_by_torchrun(local=2, machines=3, total=6)
    assert as_started(HardwareConfig()) == HardwareConfig(devices=2, nodes=3)
    assert as_started(HardwareConfig(devices=2, nodes=3)) == HardwareConfig(devices=2, nodes=3)
    with pytest.raises(
        ConfigError,
        match=r"hardware asks for 4 processes on 1 machine, but torchrun started 2 processes on 3 machines\. Start it "
        r"with --nnodes 1 --nproc-per-node 4, or give imgclf --devices 2 --nodes 3\.",
    ):
        as_started(HardwareConfig(devices=4))


def test_machines_with_unequal_numbers_of_processes_are_refused(
    started_by_torchrun: Callable[..., None],
) -> None:
    """Each process would take another share than the others think."""
    started_by_torchrun(local=2, machines=2, total=3)
    with pytest.raises(
        ConfigError, match=r"started 3 processes on 2 machines, 2 of them here; .*same --nproc-per-node"
    ):
        as_started(HardwareConfig())


def test_one_process_speaks_and_one_speaks_for_its_machine(started_by_torchrun: Callable[..., None]) -> None:
    """The third of four processes, the first of the second machine, shows errors and nothing else."""
    assert is_first()
    assert is_first_on_machine()
    started_by_torchrun(rank=2, local_rank=0, machines=2, total=4)
    assert not is_first()
    assert is_first_on_machine()
    started_by_torchrun(rank=3, local_rank=1, machines=2, total=4)
    assert not is_first_on_machine()


def test_follow_is_not_for_the_first_process() -> None:
    """Without torchrun there is nobody to follow."""
    with pytest.raises(UsageError, match=r"follow\(\) is for the processes of torchrun other than the first"):
        follow()


def test_errors_of_a_lost_connection_become_a_sentence() -> None:
    """Any other error goes its way."""
    with (
        pytest.raises(LostProcessError, match=r"ended or no longer answers.* Begin anew\."),
        lost_process_told("Begin anew."),
    ):
        raise RuntimeError("[../gloo/transport/tcp/pair.cc:547] Connection closed by peer [10.0.0.2]:5512")
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"), lost_process_told():
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")


def test_what_two_processes_agree_on(tmp_path: Path) -> None:
    """Two real processes: results and errors of one reach both, and unequal numbers of images are refused."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    spawn(_agree, args=(port, tmp_path), nprocs=2)  # type: ignore[no-untyped-call]
    assert [(tmp_path / f"{rank}").read_text() for rank in range(2)] == ["done", "done"]


def _agree(rank: int, port: int, folder: Path) -> None:
    variables = {
        "RANK": rank,
        "LOCAL_RANK": rank,
        "LOCAL_WORLD_SIZE": 2,
        "GROUP_WORLD_SIZE": 1,
        "WORLD_SIZE": 2,
    }
    where = {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port, "TORCHELASTIC_RUN_ID": "test"}
    os.environ.update({name: str(value) for name, value in {**variables, **where}.items()})
    with joined() as group:
        assert group.from_first(lambda: rank) == 0
        with pytest.raises(RunError, match=r"^only here$"):
            group.from_first(_failing(RunError("only here")))

        downloaded = folder / "downloaded"
        assert group.in_all(lambda: downloaded.touch() if rank == 0 else downloaded.exists()) is (
            rank == 1 or None
        )
        with pytest.raises(ImgclfError, match=r"^Process 1 on .+: no such folder$"):
            group.in_all(_failing(DataError("no such folder")) if rank == 1 else lambda: None)

        files = ["a.png", "b.png"] if rank == 0 else ["b.png", "a.png"]
        examples = Examples([b"", b""], np.array([0, 0]), files)
        with pytest.raises(ImgclfError, match="'digits' holds other images here than on the first machine"):
            check_same_everywhere(group, Config(), Splits(examples, examples, None), ("a", "b"))

        fabric = Fabric(accelerator="cpu", devices=2, strategy="ddp")
        fabric.launch()
        assert of_all(fabric, f"rank {rank}") == ["rank 0", "rank 1"]
        check_same_count(fabric, 7)
        with pytest.raises(
            DataError, match=r"different numbers of images: 7, 8\. A file is damaged or missing"
        ):
            check_same_count(fabric, 7 + rank)
    (folder / f"{rank}").write_text("done")


def _failing(error: ImgclfError) -> Callable[[], None]:
    def fail() -> None:
        raise error

    return fail
