"""The machine: what it is, what computes on it, and how well."""

import os
import platform
import time
from contextlib import suppress
from pathlib import Path

from imgclf._version import __version__


def system() -> dict[str, str]:
    """Return versions, platform and processor, in words."""
    cores = len(os.sched_getaffinity(0)) if platform.system() == "Linux" else os.cpu_count()
    return {
        "imgclf": __version__,
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu": _cpuinfo("model name") or platform.processor() or platform.machine(),
        "cores": str(cores),
    }


def _cpuinfo(key: str) -> str:
    """Return a line of Linux's ``/proc/cpuinfo``, or an empty string."""
    with suppress(OSError):
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            name, _, value = line.partition(":")
            if name.strip() == key:
                return value.strip()
    return ""


def devices() -> dict[str, str]:
    """Return each thing that computes, in words; a CUDA device with its memory; nothing where torch is broken."""
    try:
        import torch  # noqa: PLC0415 - it may be what is broken
    except Exception:  # Said among the problems of the installation.
        return {}
    flags = _cpuinfo("flags").split()
    found = {
        "cpu instructions": torch.backends.cpu.get_cpu_capability(),
        "avx512 bf16": _yes("avx512_bf16" in flags) if flags else "unknown",
        "amx bf16": _yes("amx_bf16" in flags) if flags else "unknown",
        "bf16 on cpu": _bf16_gain(),
        "threads": str(torch.get_num_threads()),
        "mps": _yes(torch.backends.mps.is_available()),
        "cuda": _yes(torch.cuda.is_available()),
    }
    for index in range(torch.cuda.device_count()):
        properties = torch.cuda.get_device_properties(index)
        found[f"cuda:{index}"] = f"{properties.name}, {properties.total_memory / 2**30:.0f} GiB"
    return found


def _bf16_gain() -> str:
    """Say how much faster a 1024x1024 matrix product is in bf16 than in fp32."""
    import torch  # noqa: PLC0415

    def seconds(dtype: torch.dtype) -> float:
        matrix = torch.ones(1024, 1024, dtype=dtype)
        matrix @ matrix  # The first call prepares the kernel.
        begin = time.perf_counter()
        for _ in range(3):
            matrix @ matrix
        return time.perf_counter() - begin

    return f"{seconds(torch.float32) / seconds(torch.bfloat16):.1f} times the speed of fp32"


def _yes(value: bool) -> str:
    return "yes" if value else "no"
