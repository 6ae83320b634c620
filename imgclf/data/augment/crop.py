"""Batched RandomCrop, CenterCrop and Pad."""

from dataclasses import dataclass
from typing import Any

import torch

from imgclf.data.augment.batched import Size

Border = tuple[int, int, int, int]
"""Pixels added at the (left, top, right, bottom)."""


@dataclass(frozen=True)
class BatchedPad:
    """``v2.Pad``: the same border for every image.

    Attributes:
        border: pixels added on each side.
        fill: constant border's value in 0..255, one or one per channel.
        mode: ``constant``, ``edge``, ``reflect`` or ``symmetric``.
    """

    border: Border
    fill: float | tuple[float, ...] = 0
    mode: str = "constant"

    def size(self, before: Size) -> Size:
        """Return the size with the border."""
        left, top, right, bottom = self.border
        return before[0] + top + bottom, before[1] + left + right

    def __call__(self, batch: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Return the padded batch."""
        left, top, right, bottom = self.border
        if not any(self.border):
            return batch
        count, height, width, channels = batch.shape
        if self.mode != "constant":
            rows = _source(height, top, bottom, self.mode).to(batch.device)
            columns = _source(width, left, right, self.mode).to(batch.device)
            return batch.index_select(1, rows).index_select(2, columns)
        shape = (count, *self.size((height, width)), channels)
        if isinstance(self.fill, tuple):
            padded = batch.new_tensor(self.fill).expand(shape).clone()
        else:
            padded = batch.new_full(shape, int(self.fill))
        padded[:, top : top + height, left : left + width] = batch
        return padded


@dataclass(frozen=True)
class BatchedRandomCrop:
    """``v2.RandomCrop``: pad all images alike, then cut each somewhere else."""

    to: Size
    pad: BatchedPad = BatchedPad((0, 0, 0, 0))
    pad_if_needed: bool = False

    def size(self, before: Size) -> Size:
        """Return the crop's size."""
        return self.to

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the crops."""
        height, width = self.to
        padded = _padded_if_needed(self.pad(batch), self) if self.pad_if_needed else self.pad(batch)
        count, rows, columns, channels = padded.shape
        device = batch.device
        top = torch.randint(rows - height + 1, (count, 1), generator=generator, device=device)
        left = torch.randint(columns - width + 1, (count, 1), generator=generator, device=device)
        if (rows, columns) == self.to:
            return padded
        image = torch.arange(count, device=device)[:, None] * rows
        start = (image + top + torch.arange(height, device=device)) * columns + left
        # Every run of `width` pixels is one row of this view, so that a crop is `height` plain copies.
        windows = (
            padded.contiguous()
            .view(-1)
            .as_strided((count * rows * columns - width + 1, width * channels), (channels, 1))
        )
        return windows.index_select(0, start.view(-1)).view(count, height, width, channels)


@dataclass(frozen=True)
class BatchedCenterCrop:
    """``v2.CenterCrop``: smaller images get a black border first, as torchvision does it."""

    to: Size

    def size(self, before: Size) -> Size:
        """Return the crop's size."""
        return self.to

    def __call__(self, batch: torch.Tensor, generator: torch.Generator | None = None) -> torch.Tensor:
        """Return the centre of each image."""
        height, width = self.to
        missing_rows, missing_columns = max(0, height - batch.shape[1]), max(0, width - batch.shape[2])
        border = (
            missing_columns // 2,
            missing_rows // 2,
            (missing_columns + 1) // 2,
            (missing_rows + 1) // 2,
        )
        padded = BatchedPad(border)(batch)
        top, left = round((padded.shape[1] - height) / 2.0), round((padded.shape[2] - width) / 2.0)
        return padded[:, top : top + height, left : left + width]


def parse_border(padding: Any) -> Border:
    """Return torchvision's padding argument (one number, two or four) as left, top, right, bottom."""
    numbers = [int(padding)] if isinstance(padding, int) else [int(number) for number in padding or (0,)]
    if len(numbers) == 4:
        return numbers[0], numbers[1], numbers[2], numbers[3]
    return numbers[0], numbers[-1], numbers[0], numbers[-1]


def _padded_if_needed(batch: torch.Tensor, crop: BatchedRandomCrop) -> torch.Tensor:
    """Widen by what is missing on both sides, as torchvision does."""
    rows, columns = max(0, crop.to[0] - batch.shape[1]), max(0, crop.to[1] - batch.shape[2])
    return BatchedPad((columns, rows, columns, rows), crop.pad.fill, crop.pad.mode)(batch)


def _source(length: int, before: int, after: int, mode: str) -> torch.Tensor:
    """Return for each pixel of a padded line the pixel it repeats."""
    position = torch.arange(-before, length + after)
    if mode == "edge":
        return position.clamp(0, length - 1)
    period = 2 * length - 2 if mode == "reflect" else 2 * length
    folded = position.remainder(max(period, 1))
    mirrored = period - folded if mode == "reflect" else period - 1 - folded
    return torch.where(folded < length, folded, mirrored)
