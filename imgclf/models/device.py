"""Choose where to compute."""

import torch

from imgclf.errors import UsageError


def choose_device(wanted: str) -> str:
    """Return ``cpu``, ``cuda`` or ``mps``; ``auto`` takes the fastest that is there.

    Raises:
        UsageError: the wanted device is not there.
    """
    available = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available(), "cpu": True}
    if wanted == "auto":
        return next(name for name, present in available.items() if present)
    if not available.get(wanted, False):
        there = " or ".join(name for name, present in available.items() if present)
        raise UsageError(f"There is no device '{wanted}' on this machine. Use auto, {there}.")
    return wanted
