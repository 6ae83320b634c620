"""Train: the loop over Lightning Fabric, and everything that makes a run repeatable and resumable."""

from imgclf.training.dry_run import DryRun, dry_run
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.session import follow, resume, train
from imgclf.training.torchrun import is_first, is_first_on_machine
from imgclf.training.work import TrainResult

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
