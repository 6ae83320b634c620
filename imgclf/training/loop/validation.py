"""Validate a model: each image once, over however many processes."""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from lightning_fabric import Fabric
from torch import Tensor, nn

from imgclf.data import Loader
from imgclf.training.loop.meter import sum_dtype
from imgclf.training.processes.agreement import share_buffers, sum_of_all


@dataclass(frozen=True)
class Validation:
    """Means per image over the whole split: loss, accuracy and macro F1 in [0, 1], and the number of images."""

    loss: float
    accuracy: float
    macro_f1: float
    images: int


@torch.no_grad()
def validate(
    fabric: Fabric,
    model: nn.Module,
    loader: Loader,
    loss: nn.Module,
    num_classes: int,
    on_batch: Callable[[int], None] = lambda images: None,
) -> Validation:
    """Return the metrics of ``model`` on ``loader``.

    Every process counts its own part, which has no padding duplicates, and only counts are added up. ``model`` is the
    bare module: a DDP wrapper would synchronise on every forward, and parts may differ by a batch.

    Args:
        fabric: gives precision and the sum over processes.
        model: images (N, C, H, W) -> logits (N, K).
        loader: this process's part of the split.
        loss: a loss that sums over the batch.
        num_classes: K.
        on_batch: called with the number of images after each batch.
    """
    model.eval()
    share_buffers(fabric, model)
    loss_sum = torch.zeros((), dtype=sum_dtype(fabric.device), device=fabric.device)
    # Per class: true positives, images of it, predictions of it.
    counts = torch.zeros(3, num_classes, dtype=torch.int64, device=fabric.device)
    for batch in loader.epoch(0):
        with fabric.autocast():
            logits = model(batch.images)
        logits = logits.float()
        loss_sum += loss(logits, batch.labels)
        predicted = logits.argmax(dim=1)
        counts += _count(predicted, batch.labels, num_classes)
        on_batch(len(batch.labels))
    loss_sum = sum_of_all(fabric, loss_sum)
    counts = sum_of_all(fabric, counts)
    true_positives, actual, _ = counts
    images = int(actual.sum())
    return Validation(
        loss=float(loss_sum) / images,
        accuracy=float(true_positives.sum()) / images,
        macro_f1=_macro_f1(counts),
        images=images,
    )


def _count(predicted: Tensor, labels: Tensor, num_classes: int) -> Tensor:
    right = labels[predicted == labels]
    return torch.stack(
        [torch.bincount(values, minlength=num_classes) for values in (right, labels, predicted)]
    )


def _macro_f1(counts: Tensor) -> float:
    """Mean F1 over the classes that occur as a label or as a prediction, as scikit-learn averages."""
    true_positives, actual, predicted = counts.cpu().double()
    occurs = (actual + predicted) > 0
    return float((2 * true_positives[occurs] / (actual + predicted)[occurs]).mean())
