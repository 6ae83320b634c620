"""Train: the loop over Lightning Fabric, and everything that makes a run repeatable and resumable.

Rooms, in reading order: ``run`` (one run from start to end), ``loop`` (epochs and steps), ``processes`` (one or many);
``precision`` and ``reporter`` beside them.
"""

from imgclf.training.processes.torchrun import is_first, is_first_on_machine
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.run.dry_run import DryRun, dry_run
from imgclf.training.run.session import follow, resume, train
from imgclf.training.run.work import TrainResult

__all__ = [
    "DryRun",
    "Reporter",
    "SilentReporter",
    "TrainResult",
    "dry_run",
    "follow",
    "is_first",
    "is_first_on_machine",
    "resume",
    "train",
]
