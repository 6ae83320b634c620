"""Which library computes: on a CPU ONNX Runtime, where its graph gives what PyTorch gives; else PyTorch.

Nothing here imports torch where a graph is at hand, so a prediction starts without it.
"""

import os
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from imgclf.errors import ModelError, RunError, UsageError
from imgclf.inference.backend import NetworkBackend
from imgclf.inference.graphs.choice import Choice, remember_choice, remembered_choice
from imgclf.inference.graphs.kept import (
    graph_key,
    kept_graph,
    make_room_in_cache,
    places_to_write,
    remove_old_graphs,
)
from imgclf.records import ModelHeader
from imgclf.runs import read_header

if TYPE_CHECKING:
    from imgclf.inference.backends.onnx import OnnxBackend
    from imgclf.inference.backends.torch import Precision, TorchBackend

Runtime: TypeAlias = Literal["auto", "onnx", "torch"]

RUNTIMES = ("auto", "onnx", "torch")
_DRIVERS = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/kfd", "/dev/dxg", "/proc/driver/nvidia/version")
"""Where Linux shows that there may be a GPU: NVIDIA's, AMD's, Windows' own under WSL."""
_BATCH = 4
_TRIALS = 3
_WORTH_TORCH = 0.9  # torch must save 10 %: it takes seconds to import


def open_backend(
    file: Path, header: ModelHeader, device: str, precision: "Precision" = "fp32", runtime: Runtime = "auto"
) -> tuple[NetworkBackend, Choice]:
    """Open a model file with the library that computes it best.

    Args:
        file: the model file.
        header: what it says of itself.
        device: ``auto``, ``cpu``, ``cuda`` or ``mps``.
        precision: another than fp32 is computed by PyTorch.
        runtime: ``auto`` chooses, ``onnx`` and ``torch`` insist.

    Returns:
        What computes, and why that.

    Raises:
        UsageError: there is no such device or runtime, or they do not go together.
        ModelError: ONNX Runtime was insisted on, and its graph does not give what PyTorch gives.
        RunError: the model file is broken, or there is no graph of it and no PyTorch to make one.
    """
    _check(runtime, device, precision)
    if runtime == "torch" or precision != "fp32" or not _is_cpu(device):
        why = "it was asked for" if runtime == "torch" else f"it computes in {precision} on '{device}'"
        return _torch(file, header, device, precision), Choice("torch", why)
    if find_spec("onnxruntime") is None and runtime == "auto":
        return _torch(file, header, "cpu"), Choice("torch", "ONNX Runtime is not installed")
    key = graph_key(file, header)
    choice = remembered_choice(key)
    if runtime == "auto" and choice is not None and choice.runtime == "torch":
        return _torch(file, header, "cpu"), choice
    found = _kept(file, header, key)
    if found is not None:
        return found, choice or Choice("onnx", "its graph is at hand")
    return _made(file, header, key, runtime)


def keep_graph(file: Path) -> None:
    """Make the graph of a model file that was just trained, so that whatever comes next starts without torch.

    Where there can be none, torch will compute, and nothing needs to be said here.
    """
    if find_spec("onnxruntime") is not None:
        open_backend(file, read_header(file), "cpu")


def _check(runtime: str, device: str, precision: str) -> None:
    if runtime not in RUNTIMES:
        raise UsageError(f"There is no runtime '{runtime}'. Choose one of: {', '.join(RUNTIMES)}.")
    if runtime == "onnx" and (device not in ("auto", "cpu") or precision != "fp32"):
        raise UsageError(
            f"The runtime 'onnx' computes a run on the CPU in fp32, not on '{device}' in {precision}. For a GPU export "
            f"the run and predict with the file: imgclf export onnx"
        )


def _is_cpu(device: str) -> bool:
    """Whether the CPU will compute; torch is asked only where there may be something better."""
    if device != "auto":
        return device == "cpu"
    if "torch" not in sys.modules and not _may_have_accelerator():
        return True
    if find_spec("torch") is None:
        return True
    from imgclf.models import choose_device  # noqa: PLC0415 - torch takes seconds

    return choose_device("auto") == "cpu"


def _may_have_accelerator() -> bool:
    if os.environ.get("CUDA_VISIBLE_DEVICES") in ("", "-1"):
        return False
    return sys.platform != "linux" or any(Path(driver).exists() for driver in _DRIVERS)


def _torch(file: Path, header: ModelHeader, device: str, precision: "Precision" = "fp32") -> "TorchBackend":
    try:
        from imgclf.inference.backends.torch import TorchBackend  # noqa: PLC0415 - torch takes seconds
    except ModuleNotFoundError as error:
        if error.name != "torch":
            raise
        raise RunError(
            f"{file}: PyTorch is not installed, and there is no graph of this model that would do without it. "
            f"Install it with: pip install torch; or export the model where it was trained: imgclf export onnx"
        ) from None
    return TorchBackend.open(file, header, device, precision)


def _kept(file: Path, header: ModelHeader, key: str) -> "OnnxBackend | None":
    """Open the graph that is at hand; one that is broken counts as none."""
    from imgclf.inference.backends.onnx import OnnxBackend  # noqa: PLC0415 - not where torch computes

    graph = kept_graph(file, key)
    try:
        return None if graph is None else OnnxBackend(graph, "cpu", header)
    except RunError:
        return None


def _made(file: Path, header: ModelHeader, key: str, runtime: Runtime) -> tuple[NetworkBackend, Choice]:
    """Make the graph, measure both libraries, and remember which is faster."""
    network = _torch(file, header, "cpu")
    try:
        graph, pixels = _written(network, header, file, key)
    except ModelError as error:
        if runtime == "onnx":
            raise
        choice = Choice("torch", str(error))
        remember_choice(key, choice)
        return network, choice
    except OSError as error:
        if runtime == "onnx":
            raise ModelError(
                f"{file}: its graph could not be written ({error.strerror or error}). Name a folder for it with the "
                f"environment variable IMGCLF_CACHE_DIR."
            ) from None
        return network, Choice("torch", "its graph could not be written")
    times = {"onnx": _milliseconds(graph, pixels), "torch": _milliseconds(network, pixels)}
    faster: Literal["onnx", "torch"] = "torch" if times["torch"] < _WORTH_TORCH * times["onnx"] else "onnx"
    figures = f"ONNX Runtime {times['onnx']:.1f} ms an image on one thread, PyTorch {times['torch']:.1f}"
    choice = Choice(faster, f"measured here: {figures}", times)
    remember_choice(key, choice)
    return (graph if faster == "onnx" or runtime == "onnx" else network), choice


def _written(
    network: "TorchBackend", header: ModelHeader, file: Path, key: str
) -> "tuple[OnnxBackend, np.ndarray]":
    """Write the graph where there is room for it, and open it there."""
    from imgclf.inference.backends.onnx import OnnxBackend  # noqa: PLC0415
    from imgclf.inference.graphs.made import make_graph, real_pixels  # noqa: PLC0415 - brings torch

    pixels = real_pixels(file.parent, header.preprocessing)
    refused: OSError = FileNotFoundError(2, "there is no folder for it")
    for place in places_to_write(file, key):
        try:
            make_graph(network, header, place, pixels)
        except OSError as error:
            refused = error
            continue
        remove_old_graphs(file, key)
        make_room_in_cache()
        return OnnxBackend(place, "cpu", header), pixels
    raise refused


def _milliseconds(backend: NetworkBackend, pixels: np.ndarray) -> float:
    """Return the CPU time of an image on one thread, the best of a few batches."""
    backend.limit_threads(1)
    times = []
    for _ in range(1 + _TRIALS):  # the first pays for what is prepared once
        start = time.thread_time()
        backend.logits(pixels[:_BATCH])
        times.append(time.thread_time() - start)
    backend.limit_threads(None)
    return round(1e3 * min(times[1:]) / len(pixels[:_BATCH]), 3)
