"""How many cores this process may use: a container is often allowed fewer than the machine has."""

import math
import os
from pathlib import Path

_QUOTA = Path("/sys/fs/cgroup/cpu.max")


def cores(quota_file: Path = _QUOTA) -> int:
    """Return the number of cores that this process may use, at least 1.

    The affinity counts, and on Linux a container's CPU quota, rounded up: "QUOTA PERIOD" in microseconds, or "max"
    without one (https://docs.kernel.org/admin-guide/cgroup-v2.html).

    Args:
        quota_file: where the kernel tells the quota.
    """
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    try:
        quota, period = quota_file.read_text(encoding="ascii").split()
        return max(1, min(allowed, math.ceil(int(quota) / int(period))))
    except (OSError, ValueError):  # another system, or no quota
        return allowed
