"""Search for better hyper-parameters: many short training runs, chosen by Optuna, judged on ``val`` alone.

Importing this package needs the extra ``tune``.
"""

from imgclf.tuning.record import TrialRecord
from imgclf.tuning.reporter import SearchReporter, SilentSearchReporter
from imgclf.tuning.result import SearchResult
from imgclf.tuning.session import resume, tune
from imgclf.tuning.settings import PrunerName
from imgclf.tuning.space import Space, default_space, load_space, parse_space

__all__ = [
    "PrunerName",
    "SearchReporter",
    "SearchResult",
    "SilentSearchReporter",
    "Space",
    "TrialRecord",
    "default_space",
    "load_space",
    "parse_space",
    "resume",
    "tune",
]
