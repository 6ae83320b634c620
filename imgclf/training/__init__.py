"""Train: the loop over Lightning Fabric, and everything that makes a run repeatable and resumable.

Rooms, in reading order: ``run`` (one run from start to end), ``loop`` (epochs and steps), ``processes`` (one or many);
``precision`` and ``reporter`` beside them.
"""

from typing import TYPE_CHECKING

from imgclf.lazy import lazily
from imgclf.training.processes.torchrun import is_first, is_first_on_machine, under_torchrun
from imgclf.training.reporter import Reporter, SilentReporter
from imgclf.training.run.dry_run import DryRun, dry_run
from imgclf.training.run.session import follow, resume, train
from imgclf.training.run.work import TrainResult

if TYPE_CHECKING:
    from imgclf.training.loop.durations import parse_duration

__all__ = [
    "DryRun",
    "Reporter",
    "SilentReporter",
    "TrainResult",
    "dry_run",
    "follow",
    "is_first",
    "is_first_on_machine",
    "parse_duration",
    "resume",
    "train",
    "under_torchrun",
]

# Imported on first use, so that a command loads no more than its road needs.
__getattr__ = lazily(__name__, {"parse_duration": "imgclf.training.loop.durations"})
