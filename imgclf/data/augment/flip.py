"""Batched RandomHorizontalFlip and RandomVerticalFlip."""

from dataclasses import dataclass

import torch

from imgclf.data.augment.batched import Size, chosen


@dataclass(frozen=True)
class BatchedFlip:
    """Mirror some of the images.

    Attributes:
        p: probability for each image.
        axis: 2 mirrors left and right, 1 top and bottom.
    """

    p: float
    axis: int

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the batch with some images mirrored; may overwrite it."""
        mirrored = chosen(batch, self.p, generator)
        if batch.device.type != "cpu":
            return torch.where(mirrored[:, None, None, None], batch.flip(self.axis), batch)
        # A CPU only touches the images that change.
        batch, indices = batch.contiguous(), mirrored.nonzero()[:, 0]
        return batch.index_copy_(0, indices, batch.index_select(0, indices).flip(self.axis))
