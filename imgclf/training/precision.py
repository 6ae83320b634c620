"""Choose the precision: by asking the device, and on CPUs by timing a few real steps."""

import time
from copy import deepcopy

import torch
from torch import Tensor, nn

# bf16 rounds; it must win clearly before we take it on a CPU.
_WORTHWHILE = 1.15
_STEPS = 3
_PROBE_BATCH = 16
_FABRIC_NAMES = {"fp32": "32-true", "bf16": "bf16-mixed", "fp16": "16-mixed"}


def fabric_precision(precision: str) -> str:
    """Return Fabric's name for fp32, bf16 or fp16."""
    return _FABRIC_NAMES[precision]


def choose_precision(
    wanted: str, device: str, model: nn.Module, image_shape: tuple[int, int, int]
) -> tuple[str, str]:
    """Return ``fp32``, ``bf16`` or ``fp16`` and the reason in a few words.

    Args:
        wanted: the config's precision; ``auto`` chooses.
        device: ``cpu``, ``cuda`` or ``mps``.
        model: the network that will be trained; a copy is timed, the model stays as it is.
        image_shape: (channels, height, width) of the input.
    """
    if wanted != "auto":
        return wanted, "asked for"
    if device == "cuda":
        return (
            ("bf16", "the GPU has it") if torch.cuda.is_bf16_supported() else ("fp32", "the GPU has no bf16")
        )
    if device == "mps":
        return "fp32", "the default on MPS"
    if not cpu_has_bf16():
        return "fp32", "the CPU has no bf16 instructions"
    speedup = _bf16_speedup(model, image_shape)
    return ("bf16" if speedup > _WORTHWHILE else "fp32"), f"bf16 steps measured {speedup:.1f} times as fast"


def cpu_has_bf16() -> bool:
    """Whether this CPU multiplies bf16 numbers itself (AVX-512 BF16 or AMX)."""
    capabilities = torch.cpu.get_capabilities()
    return any(bool(capabilities.get(name)) for name in ("avx512_bf16", "amx_bf16", "amx_tile", "bf16"))


def _bf16_speedup(model: nn.Module, image_shape: tuple[int, int, int]) -> float:
    """Time steps in fp32 and in bf16 on noise; return the ratio of the fastest of each."""
    copy = deepcopy(model).train().to(memory_format=torch.channels_last)
    with torch.random.fork_rng(devices=[]):
        images = torch.randn(_PROBE_BATCH, *image_shape).to(memory_format=torch.channels_last)
        seconds = {bf16: min(_time_step(copy, images, bf16) for _ in range(_STEPS)) for bf16 in (False, True)}
    return seconds[False] / seconds[True]


def _time_step(model: nn.Module, images: Tensor, bf16: bool) -> float:
    started = time.perf_counter()
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=bf16):
        loss = model(images).float().square().mean()
    loss.backward()
    return time.perf_counter() - started
