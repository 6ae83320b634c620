"""How much memory this process may still take: a container is often allowed less than the machine has free."""

from pathlib import Path

_MEMINFO = Path("/proc/meminfo")
_CGROUP = Path("/sys/fs/cgroup")


def available_memory(meminfo: Path = _MEMINFO, cgroup: Path = _CGROUP) -> int | None:
    """Return the bytes that are free and allowed; None where the system does not tell.

    Args:
        meminfo: Linux's account; ``MemAvailable`` counts what the kernel would give up.
        cgroup: of the container, version 2 (https://docs.kernel.org/admin-guide/cgroup-v2.html): its limit, what it uses,
            and how much of that are file pages that it would give up.
    """
    found = [each for each in (_free(meminfo), _allowed(cgroup)) if each is not None]
    return max(0, min(found)) if found else None


def _free(meminfo: Path) -> int | None:
    try:
        lines = meminfo.read_text(encoding="ascii").splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
    except (OSError, ValueError, StopIteration):
        return None


def _allowed(cgroup: Path) -> int | None:
    try:
        limit, used = (int((cgroup / name).read_text("ascii")) for name in ("memory.max", "memory.current"))
        lines = (cgroup / "memory.stat").read_text("ascii").splitlines()
        files = next(int(line.split()[1]) for line in lines if line.startswith("inactive_file "))
        return limit - used + files
    except (OSError, ValueError, StopIteration):  # "max" is no limit
        return None
