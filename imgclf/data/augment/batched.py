"""What a batched transform is: the whole batch at once, on its device, from uint8, each image with its own luck."""

from typing import Protocol

import torch

Size = tuple[int, int]
"""(height, width) in pixels."""


class BatchedTransform(Protocol):
    """A transform of torchvision's for a whole batch, with the same distribution per image."""

    def size(self, before: Size) -> Size:
        """Return (height, width) of the result."""

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return uint8 (N, H', W', C) of uint8 (N, H, W, C); the argument may be overwritten."""


def chosen(batch: torch.Tensor, p: float, generator: torch.Generator) -> torch.Tensor:
    """Return bool (N,): the images that a transform of probability ``p`` applies to.

    A mask, not indices: finding out how many there are would make the host wait for the GPU in every batch.
    """
    return torch.rand(len(batch), generator=generator, device=batch.device) < p


def uniform(
    count: int, low: float, high: float, batch: torch.Tensor, generator: torch.Generator
) -> torch.Tensor:
    """Return float32 (count,) from the uniform distribution on [low, high)."""
    return torch.rand(count, generator=generator, device=batch.device) * (high - low) + low


def as_bytes(values: torch.Tensor) -> torch.Tensor:
    """Round float values to uint8, clipping to 0..255."""
    return values.round_().clamp_(0, 255).to(torch.uint8)
