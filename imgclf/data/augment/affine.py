"""Batched RandomAffine and RandomRotation."""

from dataclasses import dataclass

import torch
from torch.nn import functional as F

from imgclf.data.augment.batched import Size, as_bytes, uniform

Range = tuple[float, float]

_PIXELS_AT_A_TIME = 65_536


@dataclass(frozen=True)
class BatchedAffine:
    """Rotate, shift, scale and shear each image about its centre by amounts of its own.

    Attributes:
        degrees: least and largest rotation.
        translate: largest shift as a share of (width, height).
        scale: least and largest zoom.
        shear_x: least and largest shear along x in degrees.
        shear_y: least and largest shear along y in degrees.
        clockwise: RandomAffine turns clockwise by a positive angle, RandomRotation the other way.
        bilinear: interpolate; otherwise take the nearest pixel.
        fill: what lies outside the image, one number in 0..255 or one per channel.
    """

    degrees: Range
    translate: tuple[float, float] = (0.0, 0.0)
    scale: Range = (1.0, 1.0)
    shear_x: Range = (0.0, 0.0)
    shear_y: Range = (0.0, 0.0)
    clockwise: bool = True
    bilinear: bool = False
    fill: float | tuple[float, ...] = 0

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the changed batch."""
        matrices = self._matrices(batch, generator)
        move = self._interpolated if self.bilinear else self._nearest
        # On a CPU, coordinates of a few images at a time stay in its cache; a GPU takes them all at once.
        few = max(1, _PIXELS_AT_A_TIME // (batch.shape[1] * batch.shape[2]))
        share = few if batch.device.type == "cpu" else len(batch)
        parts = zip(torch.split(batch, share), torch.split(matrices, share), strict=True)
        return torch.cat([move(part, *self._source(part, matrix)) for part, matrix in parts])

    def _matrices(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return float32 (N, 2, 3): output coordinates about the centre -> input coordinates about the centre.

        The product inverse(translate * rotate * scale * shear), as torchvision writes it out.
        """
        count, height, width, _ = batch.shape
        angle = uniform(count, *self.degrees, batch, generator).deg2rad() * (1 if self.clockwise else -1)
        shift_x = uniform(count, -1, 1, batch, generator).mul(self.translate[0] * width).round()
        shift_y = uniform(count, -1, 1, batch, generator).mul(self.translate[1] * height).round()
        scale = uniform(count, *self.scale, batch, generator)
        shear_x = uniform(count, *self.shear_x, batch, generator).deg2rad()
        shear_y = uniform(count, *self.shear_y, batch, generator).deg2rad()
        a = (angle - shear_y).cos() / shear_y.cos()
        b = -(angle - shear_y).cos() * shear_x.tan() / shear_y.cos() - angle.sin()
        c = (angle - shear_y).sin() / shear_y.cos()
        d = -(angle - shear_y).sin() * shear_x.tan() / shear_y.cos() + angle.cos()
        linear = torch.stack([d, -b, -c, a], dim=1).view(count, 2, 2) / scale[:, None, None]
        offset = -(linear @ torch.stack([shift_x, shift_y], dim=1)[:, :, None])
        return torch.cat([linear, offset], dim=2)

    def _source(self, batch: torch.Tensor, matrix: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return float32 (N, H, W) x and y in input pixels (0 is the centre of the first) for each output pixel."""
        _, height, width, _ = batch.shape
        column = torch.arange(width, device=batch.device) + 0.5 - width / 2
        row = (torch.arange(height, device=batch.device) + 0.5 - height / 2)[:, None]
        m = matrix[:, :, :, None, None]
        x = m[:, 0, 0] * column + m[:, 0, 1] * row + m[:, 0, 2] + (width - 1) / 2
        y = m[:, 1, 0] * column + m[:, 1, 1] * row + m[:, 1, 2] + (height - 1) / 2
        return x, y

    def _nearest(self, batch: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Gather whole pixels, never leaving uint8."""
        count, height, width, channels = batch.shape
        column, row = x.round().long(), y.round().long()
        inside = (column >= 0) & (column < width) & (row >= 0) & (row < height)
        image = torch.arange(count, device=batch.device)[:, None, None] * height
        pixel = (image + row.clamp(0, height - 1)) * width + column.clamp(0, width - 1)
        moved = batch.reshape(-1, channels).index_select(0, pixel.view(-1)).view(batch.shape)
        return torch.where(inside[..., None], moved, self._fill(batch).to(torch.uint8))

    def _interpolated(self, batch: torch.Tensor, x: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        """Sample bilinearly; the image fades into the fill at its border, as torchvision's does."""
        _, height, width, _ = batch.shape
        grid = torch.stack([(2 * x + 1) / width - 1, (2 * y + 1) / height - 1], dim=-1)
        pixels = batch.to(torch.float32).permute(0, 3, 1, 2)
        with_mask = torch.cat([pixels, torch.ones_like(pixels[:, :1])], dim=1)
        sampled = F.grid_sample(with_mask, grid, mode="bilinear", padding_mode="zeros", align_corners=False)
        moved, mask = sampled[:, :-1].permute(0, 2, 3, 1), sampled[:, -1:].permute(0, 2, 3, 1)
        fill = self._fill(batch)
        return as_bytes((moved - fill) * mask + fill)

    def _fill(self, batch: torch.Tensor) -> torch.Tensor:
        return torch.as_tensor(self.fill, dtype=torch.float32, device=batch.device)
