"""Which epoch is the best, and whether to go on."""

import math
from dataclasses import dataclass

from imgclf.recipes import TrainingConfig
from imgclf.records import EpochRecord
from imgclf.task import is_better


@dataclass
class BestEpoch:
    """Follows one metric of the epoch records.

    Args:
        metric: a column of the history; names ending in ``loss`` are better when smaller.
        patience: epochs without improvement after which ``exhausted`` is true; 0 never.
        min_delta: what counts as an improvement.
        ties_by_loss: of epochs that are equally good, whether the one with the smaller validation loss is better: on
            few images many epochs have the same accuracy.
    """

    metric: str
    patience: int = 0
    min_delta: float = 0.0
    ties_by_loss: bool = False
    best: float | None = None
    loss: float = math.inf
    epochs_without: int = 0

    def update(self, record: EpochRecord) -> bool:
        """Take in an epoch; return whether it is the best so far."""
        value = float(getattr(record, self.metric))
        improved = self.best is None or is_better(value, self.best, self.metric, self.min_delta)
        if self.ties_by_loss and value == self.best:
            improved = record.val_loss < self.loss
        self.best = value if improved else self.best
        self.loss = record.val_loss if improved else self.loss
        self.epochs_without = 0 if improved else self.epochs_without + 1
        return improved

    @property
    def exhausted(self) -> bool:
        """Whether patience has run out."""
        return self.patience > 0 and self.epochs_without >= self.patience


def early_stopping(training: TrainingConfig) -> BestEpoch:
    """Return what follows the metric that ends a run early."""
    stopping = training.early_stopping
    metric = training.monitor if stopping.monitor == "auto" else stopping.monitor
    return BestEpoch(metric, stopping.patience, stopping.min_delta)
