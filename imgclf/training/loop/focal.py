"""The focal loss: cross entropy that cares less for images that are easy already (Lin et al. 2017)."""

from typing import final

import torch
from torch import Tensor, nn
from torch.nn import functional as F


@final
class FocalLoss(nn.Module):
    """``-(1 - p)^gamma log p`` of the softmax probability ``p`` of the right class; torchvision has the sigmoid's only.

    Args:
        gamma: how much less; 0 is cross entropy.
        weight: float32 (K,), a factor for each class, or None.
        reduction: ``mean`` or ``sum``, as torch's CrossEntropyLoss takes them.
        label_smoothing: share of the target that is spread over all classes, in [0, 1).

    Raises:
        ValueError: the reduction is another.
    """

    weight: Tensor | None

    def __init__(
        self,
        gamma: float = 2.0,
        weight: Tensor | None = None,
        reduction: str = "mean",
        label_smoothing: float = 0.0,
    ) -> None:
        super().__init__()
        if reduction not in ("mean", "sum"):
            raise ValueError(f"reduction is mean or sum, not {reduction}")
        self.gamma, self.reduction, self.label_smoothing = gamma, reduction, label_smoothing
        self.register_buffer("weight", weight)

    def forward(self, logits: Tensor, targets: Tensor) -> Tensor:
        """Return the loss () of logits (N, K) and labels int64 (N,), or probabilities (N, K) under mixup."""
        log_probabilities = F.log_softmax(logits, dim=1)
        shares = F.one_hot(targets, logits.shape[1]).to(logits) if targets.ndim == 1 else targets
        shares = shares * (1 - self.label_smoothing) + self.label_smoothing / logits.shape[1]
        weights = torch.ones_like(logits[:1]) if self.weight is None else self.weight[None]
        losses = -shares * weights * (1 - log_probabilities.exp()) ** self.gamma * log_probabilities
        if self.reduction == "sum":
            return losses.sum()
        # As CrossEntropyLoss: a mean by weight over labels, and by images over probabilities.
        count = weights.squeeze(0)[targets].sum() if targets.ndim == 1 else len(logits)
        return losses.sum() / count
