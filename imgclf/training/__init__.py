"""Train: the loop over Lightning Fabric, and everything that makes a run repeatable and resumable."""

from imgclf.training.dry_run import DryRun, dry_run
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.session import TrainResult, resume, train

__all__ = ["DryRun", "Reporter", "SilentReporter", "TrainResult", "dry_run", "resume", "train"]
