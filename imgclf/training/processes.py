"""What several processes agree on; with one process each function returns what it was given."""

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn


def sum_of_all(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the elementwise sum over all processes."""
    if fabric.world_size == 1:
        return values
    total = values.to(fabric.device, copy=True)
    torch.distributed.all_reduce(total)
    return total


def any_of(fabric: Fabric, flag: bool) -> bool:
    """Return whether the flag is set in any process: a signal may reach one of them a step earlier."""
    if fabric.world_size == 1:
        return flag
    return bool(sum_of_all(fabric, torch.tensor(float(flag), device=fabric.device)))


def first_of(fabric: Fabric, value: float) -> float:
    """Return the first process's value, for what must not differ (a clock, say)."""
    return float(fabric.broadcast(value)) if fabric.world_size > 1 else value


def share_buffers(fabric: Fabric, model: nn.Module) -> None:
    """Give every process the first one's buffers (BatchNorm's statistics), so that all validate the same model."""
    if fabric.world_size > 1:
        for buffer in model.buffers():
            torch.distributed.broadcast(buffer, src=0)
