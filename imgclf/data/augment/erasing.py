"""Batched RandomErasing (Zhong et al. 2020) and, as a special case of it, CutOut (DeVries & Taylor 2017).

CutOut 8x8 on 32x32 images is ``{name = "RandomErasing", p = 1.0, scale = [0.0625, 0.0625], ratio = [1.0, 1.0],
value = 0}``: the area is 64 of 1,024 pixels, always square.

Erasing happens on 8-bit pixels, before normalisation. Without ``value`` the rectangle gets the mean colour, which
is zero once it is normalised: what torchvision's default erases when it stands behind ``Normalize``, its usual
place. A number or one per channel is a grey level or colour in 0..255; ``"random"`` is noise, pixel by pixel.
"""

import math
from dataclasses import dataclass

import torch

from imgclf.data.augment.batched import Size, chosen, uniform

_ATTEMPTS = 10  # rectangles tried before an image is left alone, as in torchvision


@dataclass(frozen=True)
class BatchedErasing:
    """Erase one rectangle of some of the images.

    Attributes:
        p: probability for each image.
        scale: least and largest share of the image's area.
        ratio: least and largest height/width ratio, log-uniform between.
        value: colour in 0..255, one or one per channel; None is noise.
    """

    p: float
    scale: tuple[float, float]
    ratio: tuple[float, float]
    value: tuple[float, ...] | None

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the batch with a rectangle of some images erased."""
        _, rows, columns, _ = batch.shape
        applies = chosen(batch, self.p, generator)
        height, width = self._rectangles(batch, generator)
        top = _position(rows - height, batch, generator)
        left = _position(columns - width, batch, generator)
        inside = _span(top, height, rows)[:, :, None] & _span(left, width, columns)[:, None, :]
        return torch.where(
            (inside & applies[:, None, None])[..., None], self._colour(batch, generator), batch
        )

    def _rectangles(
        self, batch: torch.Tensor, generator: torch.Generator
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return int64 (N,) heights and widths; the first of ten tries that is smaller than the image, else 0."""
        count, rows, columns, _ = batch.shape
        tries = count * _ATTEMPTS
        area = uniform(tries, *self.scale, batch, generator) * (rows * columns)
        ratio = uniform(tries, math.log(self.ratio[0]), math.log(self.ratio[1]), batch, generator).exp()
        height = (area * ratio).sqrt().round().long().view(count, _ATTEMPTS)
        width = (area / ratio).sqrt().round().long().view(count, _ATTEMPTS)
        fits = (height < rows) & (width < columns)
        first = fits.to(torch.uint8).argmax(dim=1, keepdim=True)
        found = fits.any(dim=1).long()
        return height.gather(1, first)[:, 0] * found, width.gather(1, first)[:, 0] * found

    def _colour(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        if self.value is None:
            noise = torch.randint(256, batch.shape, generator=generator, device=batch.device)
            return noise.to(torch.uint8)
        return torch.tensor(self.value, device=batch.device).round().to(torch.uint8)


def _position(slack: torch.Tensor, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """Return int64 (N,) uniform on 0..slack inclusive."""
    luck = torch.rand(len(batch), generator=generator, device=batch.device)
    return (luck * (slack + 1)).long().minimum(slack)


def _span(start: torch.Tensor, length: torch.Tensor, total: int) -> torch.Tensor:
    """Return bool (N, total), True on [start, start + length)."""
    position = torch.arange(total, device=start.device)
    return (position >= start[:, None]) & (position < (start + length)[:, None])
