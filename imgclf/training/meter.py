"""Running sums of an epoch, kept on the device so that no step waits for them."""

import torch
from torch import Tensor


class EpochMeter:
    """Loss and hits of the images seen so far in an epoch.

    Args:
        device: where the sums live.
    """

    def __init__(self, device: torch.device) -> None:
        self._sums = torch.zeros(2, dtype=torch.float64, device=device)  # loss, hits
        self._images = 0

    @torch.no_grad()
    def add(self, loss: Tensor, logits: Tensor, targets: Tensor) -> None:
        """Take in a step: mean loss (), logits (N, K), and labels (N,) or mixed targets (N, K)."""
        labels = targets if targets.ndim == 1 else targets.argmax(dim=1)
        hits = (logits.argmax(dim=1) == labels).sum()
        self._sums += torch.stack([loss.detach().double() * len(labels), hits.double()])
        self._images += len(labels)

    @property
    def sums(self) -> Tensor:
        """Loss, hits and images as float64 (3,) on the CPU; waits for the device."""
        return torch.cat([self._sums.cpu(), torch.tensor([float(self._images)], dtype=torch.float64)])

    def means(self) -> tuple[float, float]:
        """Return mean loss and accuracy of this process's images; waits for the device."""
        loss, hits, images = self.sums.tolist()
        return (loss / images, hits / images) if images else (0.0, 0.0)

    def restore(self, sums: Tensor) -> None:
        """Continue from another meter's sums."""
        self._sums.copy_(sums[:2])
        self._images = int(sums[2])
