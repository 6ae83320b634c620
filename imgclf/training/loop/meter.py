"""Running sums of an epoch, kept on the device so that no step waits for them."""

import torch
from torch import Tensor


class EpochMeter:
    """Loss and hits of the images seen so far in an epoch.

    Args:
        device: where the sums live.
    """

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=sum_dtype(device), device=device)  # loss, hits
        self._images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Take in a step: mean loss (), logits (N, K), and labels (N,) or mixed targets (N, K)."""
        labels = targets if targets.ndim == 1 else targets.argmax(dim=1)
        hits = (logits.argmax(dim=1) == labels).sum()
        self._sums += torch.stack([loss.detach() * len(labels), hits.to(loss.dtype)])
        self._images += len(labels)

    @property
    def sums(self) -> Tensor:
        """Loss, hits and images as float64 (3,) on the CPU; waits for the device."""
        return torch.cat(
            [self._sums.cpu().double(), torch.tensor([float(self._images)], dtype=torch.float64)]
        )

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy of this process's images; waits for the device."""
        loss, hits, images = self.sums.tolist()
        return (loss / images, hits / images) if images else (0.0, 0.0)

    def restore(self, sums: Tensor) -> None:
        """Continue from another meter's sums."""
        self._sums.copy_(sums[:2])
        self._images = int(sums[2])


def sum_dtype(device: torch.device) -> torch.dtype:
    """Return the type for sums over many images: float64, which MPS lacks."""
    return torch.float32 if device.type == "mps" else torch.float64
