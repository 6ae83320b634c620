"""Building blocks that our networks share."""

from torch import Tensor, nn


def convolution(inputs: int, outputs: int, *, pool: bool = False) -> list[nn.Module]:
    """Return a 3x3 convolution, batch norm and ReLU, with 2x2 max pooling in between where wanted.

    Pooling before norm and ReLU gives what pooling after them gives while the norm's scale is positive, for a
    quarter of their work.
    """
    layers: list[nn.Module] = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False)]
    if pool:
        layers.append(nn.MaxPool2d(2))
    return [*layers, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True)]


class Shortcut(nn.Module):
    """x + f(x) (He et al. 2015, https://arxiv.org/abs/1512.03385).

    Args:
        modules: f, one after the other; keeps the shape.
    """

    def __init__(self, *modules: nn.Module) -> None:
        super().__init__()
        self.body = nn.Sequential(*modules)

    def forward(self, x: Tensor) -> Tensor:
        """Map (N, C, H, W) to the same shape."""
        result: Tensor = x + self.body(x)
        return result
