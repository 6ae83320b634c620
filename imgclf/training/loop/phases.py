"""The phases of a run: one, or a frozen backbone first and fine-tuning after (Howard & Ruder 2018)."""

from dataclasses import dataclass

from imgclf.recipes import Config

# Fine-tuning starts from weights that are good already: a tenth of the head's rate keeps them.
_FINETUNE_FACTOR = 0.1


@dataclass(frozen=True)
class Phase:
    """A stretch of epochs with one set of trainable parameters and one schedule.

    Attributes:
        name: ``training``, ``head`` or ``fine-tuning``.
        first_epoch: the first epoch's index, from 0.
        epochs: how many.
        lr: the learning rate.
        frozen: whether the backbone stands still.
    """

    name: str
    first_epoch: int
    epochs: int
    lr: float
    frozen: bool = False

    def share(self, overall: float, total_epochs: int) -> float:
        """Return how much of this phase is done, in [0, 1], from the progress of the whole run in [0, 1]."""
        done = (overall * total_epochs - self.first_epoch) / self.epochs
        return min(1.0, max(0.0, done))


def plan_phases(config: Config) -> list[Phase]:
    """Return the phases in order; together they cover ``training.epochs``."""
    training, lr = config.training, float(config.optimizer.lr)  # settled by now, not auto
    head = training.freeze_epochs
    if head == 0:
        return [Phase("training", 0, training.epochs, lr)]
    phases = [Phase("head", 0, head, lr, frozen=True)]
    if training.epochs > head:
        finetune_lr = training.finetune_lr or lr * _FINETUNE_FACTOR
        phases.append(Phase("fine-tuning", head, training.epochs - head, finetune_lr))
    return phases
