"""Predicting on a Ray cluster: the same files as without one, and sentences for what cannot be."""

import os
import pickle
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from imgclf.errors import MissingExtraError, RunError, UsageError
from imgclf.inference import Predictor
from imgclf.inference.engines.attempts import KILLS
from imgclf.inference.engines.pool import Pool, plan_pool
from imgclf.inference.engines.ray_cluster import cluster_failures, joined_cluster
from imgclf.inference.engines.ray_predictor import RayPredictor
from imgclf.inference.engines.worker import Order, Worker
from imgclf.runs import Run
from imgclf.task import Decision
from tests.bad_files import make_bad_files

Cli = Callable[..., Any]

KILLER = """
import os, signal, sys

def die(event, arguments):
    if event == "open" and str(arguments[0]).endswith("killer.png"):
        os.kill(os.getpid(), signal.SIGKILL)

sys.addaudithook(die)
"""
"""A ``sitecustomize``: a process that opens such an image ends as by a crash or by the kernel's lack of memory."""


def order(run: Run, **changes: Any) -> Order:
    """What a worker is told, for this run's model."""
    values: dict[str, Any] = {
        "file_name": run.model_file.name,
        "device": "cpu",
        "batch_size": 4,
        "threads": 1,
        "folder": str(Path.cwd()),
        "decision": Decision(),
        "with_probabilities": True,
    }
    return Order(**(values | changes))


def on_own_cluster(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Call ``imgclf`` in a process of its own, on a Ray cluster that it starts."""
    command = [sys.executable, "-m", "imgclf", *map(str, arguments), "--engine", "ray"]
    shared = ("RAY_ADDRESS", "RAY_AUTH_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(shared)}
    return subprocess.run(
        command, capture_output=True, text=True, timeout=300, check=False, env=kept | environment
    )


@pytest.mark.slow
def test_same_file_as_one_process(run_cli: Cli, shapes: Path, shapes_run: Run, tmp_path: Path) -> None:
    """Byte for byte: good and bad images, relative paths, a resumed output; nothing but our own words beside it."""
    shutil.copytree(shapes / "test", "shapes")
    make_bad_files(tmp_path / "bad")
    common = ("--run", shapes_run.path, "--device", "cpu", "--batch-size", "8", "--probabilities")
    plain, on_ray = "plain.csv", "on_ray.csv"
    assert run_cli("predict", "shapes/circle", *common, "--output", plain).code == 0
    shutil.copy(plain, on_ray)
    everything = ("predict", "shapes", "bad", "none.png", *common, "--resume", "--output")
    assert run_cli(*everything, plain).code == 3

    done = on_own_cluster(*everything, on_ray, HOME=str(tmp_path / "home"))
    assert done.returncode == 3, done.stderr
    assert not (tmp_path / "home" / ".ray").exists()
    assert Path(on_ray).read_bytes() == Path(plain).read_bytes()
    assert done.stdout == ""
    said = [line for line in done.stderr.splitlines() if not line.startswith("Predicting")]
    images = len(Path(plain).read_text().splitlines()) - 1 - 8
    assert [line.split()[0] for line in said] == ["Ray:", str(images), "8", "Warning:", "Wrote"]
    assert said[0].endswith(" of 1 CPU on 1 machine")


@pytest.mark.slow
def test_image_that_kills_workers_has_an_error(
    run_cli: Cli, shapes: Path, shapes_run: Run, tmp_path: Path
) -> None:
    """The workers are real and really die; the images beside the bad one get the answers of one process."""
    shutil.copytree(shapes / "test" / "circle", "circles")
    common = ("predict", "circles", "--run", shapes_run.path, "--device", "cpu", "--batch-size", "1")
    assert run_cli(*common, "--output", "plain.csv").code == 0
    shutil.copy("circles/03.png", "circles/03-killer.png")
    Path("sitecustomize.py").write_text(KILLER)

    done = on_own_cluster(*common, "--output", "on_ray.csv", PYTHONPATH=str(tmp_path))
    assert done.returncode == 3, done.stderr
    assert "Warning: 1 could not be read; their rows say why (exit code 3)." in done.stderr
    rows = Path("on_ray.csv").read_text().splitlines()
    (killer,) = [row for row in rows if "killer" in row]
    assert KILLS in killer
    rows.remove(killer)
    assert rows == Path("plain.csv").read_text().splitlines()


def test_worker_answers_as_the_predictor(shapes: Path, shapes_run: Run) -> None:
    """A worker needs the content of the model file only, and its answers are those of one process."""
    images = [*map(str, sorted((shapes / "test").glob("*/*.png"))), "none.png"]
    worker = Worker(np.fromfile(shapes_run.model_file, np.uint8), order(shapes_run))
    expected = Predictor.open(shapes_run.path, "cpu", 4).predict(images)
    assert pickle.loads(pickle.dumps(worker.answer(images))) == expected


def test_light_answers_lack_only_the_probabilities(shapes: Path, shapes_run: Run) -> None:
    """Where nobody asks for every class, only the best ones travel."""
    content = np.fromfile(shapes_run.model_file, np.uint8)
    image = str(shapes / "test" / "circle" / "00.png")
    (answer,) = Worker(content, order(shapes_run, with_probabilities=False, decision=Decision(2))).answer(
        [image]
    )
    assert not answer.probabilities
    assert [name for name, _ in answer.top_k][:1] == [answer.label]


def test_worker_of_another_version_refuses(shapes_run: Run) -> None:
    """Two versions might read an image differently, and nobody would notice."""
    with pytest.raises(UsageError) as caught:
        Worker(np.zeros(1, np.uint8), order(shapes_run, version="0.0.1"))
    from imgclf import __version__

    assert str(caught.value) == (
        f"A machine of the cluster has imgclf {__version__}, but this program is 0.0.1. "
        f"Install the same version on all of them."
    )


@pytest.mark.parametrize(
    ("machines", "device", "pool", "words"),
    [
        ([{"CPU": 2.0}], "auto", Pool(2, 1, 0, "cpu", 1), "2 workers of 1 CPU on 1 machine"),
        (
            [{"CPU": 4.0}, {"CPU": 12.0, "GPU": 4.0}, {"CPU": 64.0, "GPU": 1.0}],
            "auto",
            Pool(5, 3, 1, "auto", 3),
            "5 workers of a GPU and 3 CPUs on 3 machines",
        ),
        (
            [{"CPU": 64.0, "GPU": 1.0}],
            "cuda",
            Pool(1, 8, 1, "cuda", 1),
            "1 worker of a GPU and 8 CPUs on 1 machine",
        ),
        ([{"CPU": 6.0, "GPU": 1.0}], "cpu", Pool(6, 1, 0, "cpu", 1), "6 workers of 1 CPU on 1 machine"),
        ([{"CPU": 1.0}], "cuda", Pool(1, 1, 0, "cuda", 1), "1 worker of 1 CPU on 1 machine"),
        ([{}], "auto", Pool(1, 1, 0, "cpu", 1), "1 worker of 1 CPU on 1 machine"),
    ],
)
def test_workers_fit_the_cluster(
    machines: list[dict[str, float]], device: str, pool: Pool, words: str
) -> None:
    """A worker a GPU with its share of the CPUs, else a worker a CPU; never none."""
    assert plan_pool(machines, device) == pool
    assert str(pool) == words


def test_without_ray_the_sentence_says_how_to_install_it(
    shapes_run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray is an extra."""
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MissingExtraError) as caught:
        RayPredictor.open(shapes_run.path)
    assert str(caught.value) == (
        "Predicting with Ray needs the extra 'ray'. Install it with: pip install 'imgclf[ray]'"
    )
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)


def test_address_without_a_cluster_is_a_sentence() -> None:
    """Where nobody listens, the answer comes at once."""
    with socket.socket() as unheard:
        unheard.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unheard.getsockname()[1]}"
        with pytest.raises(UsageError) as caught, joined_cluster(address, 0):
            pass
    assert str(caught.value) == (
        f"There is no Ray cluster for us at '{address}' (Connection refused). Start one with 'ray start --head'; "
        f"if it is protected by a token, set RAY_AUTH_MODE=token; or leave --address and RAY_ADDRESS out to use "
        f"this machine alone."
    )


def test_failing_cluster_is_a_sentence() -> None:
    """A machine that goes away is no defect of ours."""
    from ray.exceptions import RaySystemError

    with pytest.raises(RunError) as caught, cluster_failures():
        raise RaySystemError("the head is gone")
    assert str(caught.value) == (
        "The Ray cluster failed (System error: the head is gone). What was answered before is kept in the --output; "
        "go on with --resume."
    )


def test_address_needs_the_engine(run_cli: Cli) -> None:
    """An address that nothing would use is most likely a slip."""
    result = run_cli("predict", "a.png", "--address", "auto")
    assert (result.code, result.err) == (2, "Error: --address names a Ray cluster: add --engine ray.\n")
