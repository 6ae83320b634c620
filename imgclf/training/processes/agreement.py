"""What several processes agree on; with one process each function returns what it was given."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from imgclf.errors import DataError, LostProcessError

Value = TypeVar("Value")


def sum_of_all(fabric: Fabric, values: Tensor) -> Tensor:
    """Return the elementwise sum over all processes."""
    if fabric.world_size == 1:
        return values
    total = values.to(fabric.device, copy=True)
    torch.distributed.all_reduce(total)
    return total


def of_all(fabric: Fabric, value: Value) -> list[Value]:
    """Return the value of every process, by rank; any that can be pickled."""
    values: list[Value] = [value] * fabric.world_size
    if fabric.world_size > 1:
        torch.distributed.all_gather_object(values, value)
    return values


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


def check_same_count(fabric: Fabric, images: int) -> None:
    """Make sure that every process can read equally many images; otherwise some would wait for the others for ever.

    Args:
        fabric: launched.
        images: that this process can read.

    Raises:
        DataError: the counts differ, in every process.
    """
    found = of_all(fabric, images)
    if len(set(found)) > 1:
        raise DataError(
            f"The processes can read different numbers of images: {', '.join(f'{count:,}' for count in found)}. A file "
            f"is damaged or missing on one of the machines; copy the data there again."
        )


@contextmanager
def lost_process_told(advice: str = "Start all of them again.") -> Iterator[None]:
    """Turn the errors of a connection to a process that has ended into a sentence.

    Args:
        advice: what to do next.

    Raises:
        LostProcessError: another process ended or no longer answers.
    """
    try:
        yield
    except RuntimeError as error:  # Every error of torch.distributed is one; gloo has no class of its own.
        if not (isinstance(error, torch.distributed.DistError) or "gloo" in str(error)):
            raise
        raise LostProcessError(
            f"Another process of this run ended or no longer answers, so this one ends too. The reason stands in that "
            f"one's output. {advice}"
        ) from error
