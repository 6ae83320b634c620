"""Batched ColorJitter, RandomGrayscale and GaussianNoise."""

from dataclasses import dataclass

import torch

from imgclf.data.augment.batched import Size, as_bytes, chosen, uniform

Range = tuple[float, float]

_LUMA = (0.2989, 0.587, 0.114)  # torchvision's weights of red, green and blue


@dataclass(frozen=True)
class BatchedColorJitter:
    """``v2.ColorJitter``: each image gets factors of its own; a batch shares the order of the four changes.

    torchvision draws an order for each image. Any one image's order is as random here; only its neighbours in the
    batch have the same.
    """

    brightness: Range | None = None
    contrast: Range | None = None
    saturation: Range | None = None
    hue: Range | None = None

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the batch in other colours."""
        pixels = batch.to(torch.float32)
        changes = (
            (self.brightness, _brightness),
            (self.contrast, _contrast),
            (self.saturation, _saturation),
            (self.hue, _hue),
        )
        for number in _order(generator):
            limits, change = changes[number]
            if limits is not None:
                factor = uniform(len(batch), *limits, batch, generator)[:, None, None, None]
                pixels = change(pixels, factor).clamp_(0, 255)
        return as_bytes(pixels)


@dataclass(frozen=True)
class BatchedGrayscale:
    """``v2.RandomGrayscale``: some images lose their colour and keep their channels."""

    p: float

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the batch with some images in grey."""
        greyed = chosen(batch, self.p, generator)
        grey = _grey(batch.to(torch.float32)).to(torch.uint8)
        return torch.where(greyed[:, None, None, None], grey, batch)


@dataclass(frozen=True)
class BatchedNoise:
    """``v2.GaussianNoise``: mean and sigma on the scale of [0, 1], as torchvision has them for float images."""

    mean: float
    sigma: float

    def size(self, before: Size) -> Size:
        """Return the size unchanged."""
        return before

    def __call__(self, batch: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        """Return the batch with noise on every pixel."""
        noise = torch.randn(batch.shape, generator=generator, device=batch.device)
        return as_bytes(noise.mul_(self.sigma * 255).add_(self.mean * 255).add_(batch))


def _order(generator: torch.Generator) -> list[int]:
    """Return a permutation of 0..3 without asking a GPU for it: the batch's seed decides."""
    return torch.randperm(4, generator=torch.Generator().manual_seed(generator.initial_seed())).tolist()


def _grey(pixels: torch.Tensor) -> torch.Tensor:
    """Return float (N, H, W, 1) of float (N, H, W, C)."""
    if pixels.shape[3] == 1:
        return pixels
    return (pixels @ pixels.new_tensor(_LUMA))[..., None]


def _brightness(pixels: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    return pixels * factor


def _contrast(pixels: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    mean = _grey(pixels).floor().mean(dim=(1, 2, 3), keepdim=True)
    return mean + (pixels - mean) * factor


def _saturation(pixels: torch.Tensor, factor: torch.Tensor) -> torch.Tensor:
    grey = _grey(pixels)
    return grey + (pixels - grey) * factor


def _hue(pixels: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
    """Turn the hue by ``shift`` in [-0.5, 0.5]: a closed form of RGB -> HSV -> RGB; grey images keep theirs."""
    if pixels.shape[3] == 1:
        return pixels
    red, green, blue = pixels.unbind(dim=3)
    value, low = pixels.amax(dim=3), pixels.amin(dim=3)
    chroma = value - low
    safe = torch.where(chroma == 0, torch.ones_like(chroma), chroma)
    hue = torch.where(
        value == red,
        (green - blue) / safe,
        torch.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    hue = hue + 6 * shift[..., 0]
    sextants = hue.new_tensor([5.0, 3.0, 1.0])
    k = (sextants + hue[..., None]).remainder(6)
    return value[..., None] - chroma[..., None] * torch.minimum(k, 4 - k).clamp(0, 1)
